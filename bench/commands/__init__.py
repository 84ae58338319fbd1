"""What the subcommands of `bench` parse and print; the work is done elsewhere."""

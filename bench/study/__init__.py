"""What a trial is: its study, its protocol and its recipe, as frozen values with an identity."""

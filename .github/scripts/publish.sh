#!/usr/bin/env bash
# Opens a pull request with a trained store: publish.sh FOLDER, which holds results/ and build/summary.md.
#
# Its job may write to the repository, and the folder comes from a job that ran packages, weights and images of others.
# So nothing of it is run here; its files are looked at and copied, and git and gh do the rest.
set -euo pipefail
trained=$1
branch=train/$GITHUB_RUN_ID

# Parts of a store and a text, whole files all. Whatever else is there, a link or a workflow, nobody has asked for.
part='[a-z]+(/[a-z]+=[A-Za-z0-9_.-]+)+/[A-Za-z0-9][A-Za-z0-9_.-]*\.parquet'
known="\./(build/summary\.md|results/(store\.json|$part))"
strange=$(cd "$trained" && LC_ALL=C find . -regextype posix-extended ! -type d ! \( -type f -regex "$known" \) -print -quit)
if [ -n "$strange" ]; then
    printf '::error::not a part of a store: %q\n' "$strange"
    exit 1
fi

rm -rf results
cp -R "$trained/results" results
git add --all results
if git diff --cached --quiet; then
    echo "::notice::the store is as it was; there is nothing to propose"
    exit 0
fi
git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
    commit --quiet -m "Results of the study $STUDY, trained on a runner" \
    -m "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
gh auth setup-git
# The branch is this run's own: a second try, once pull requests are allowed, may replace it.
git push --quiet --force origin "HEAD:refs/heads/$branch"
# By its name, or gh asks whether the repository that a fork comes from is meant.
if ! gh pr create --repo "$GITHUB_REPOSITORY" --base "$GITHUB_REF_NAME" --head "$branch" \
    --title "Results of the study $STUDY, trained on a runner" --body-file "$trained/build/summary.md"; then
    echo "::error::no pull request could be opened. Settings → Actions → General has the switch that allows it; the" \
        "results are on the branch $branch: $GITHUB_SERVER_URL/$GITHUB_REPOSITORY/compare/$GITHUB_REF_NAME...$branch"
    exit 1
fi

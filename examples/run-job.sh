#!/usr/bin/env bash
# Sends a job, waits for its end and prints its result, with curl.
#   HASTY_URL=http://localhost:8080 HASTY_TOKEN=... ./run-job.sh invoice-42
set -euo pipefail

url=${HASTY_URL:-http://localhost:8080}
object_id=${1:-invoice-42}

# The token is passed in a file, so that the list of processes does not show it.
# `Prefer: wait` makes the server wait for the end of the job, here up to 30 s.
call() {
  curl --silent --fail-with-body --max-time 60 \
    --header @<(printf '%s' "${HASTY_TOKEN:+Authorization: Bearer $HASTY_TOKEN}") \
    --header 'Prefer: wait=30' "$@"
}
# Prints a text member of $answer. With jq: jq -r .status
text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$answer"; }

explain() {
  [ -n "$answer" ] || { echo "$url did not answer" >&2; exit 1; }
  # An error is an object too (RFC 9457).
  echo "$(text code): $(text detail)" >&2
  exit 1
}

job="{\"object_id\":\"$object_id\",\"type\":\"add\",\"payload\":{\"numbers\":[1,2,3,4,5,6]}}"
answer=$(call --header 'Content-Type: application/json' --data "$job" "$url/v1/jobs") || explain
id=$(text job_id)
while [[ $(text status) == processing ]]; do
  answer=$(call "$url/v1/jobs/$id") || explain
done

echo "Job $id: $(text status)"
[ "$(text status)" = finished ] || exit 1
sed -n 's/.*"result":\([^,}]*\).*/Result: \1/p' <<<"$answer"

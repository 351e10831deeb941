#!/usr/bin/env bash
# A worker that adds up invoices, with curl and jq, one at a time. Its lease is as long as a job can take, so that it
# has nothing to extend; a worker of long jobs extends its leases, as the libraries do.
#   HASTY_URL=http://localhost:8080 HASTY_TOKEN=... examples/workers/invoice.sh
set -uo pipefail

url=${HASTY_URL:-http://localhost:8080}
worker_id="bash-$$-$RANDOM"

# The token is passed in a file, so that the list of processes does not show it. A call whose answer was lost, and one
# that met a 429, 502, 503 or 504, is repeated as it is: the claim_id and the lease say that it is the same.
post() {
  curl --silent --show-error --fail-with-body --max-time 60 --retry 8 --retry-all-errors --retry-max-time 60 \
    --header @<(printf '%s' "${HASTY_TOKEN:+Authorization: Bearer $HASTY_TOKEN}") \
    --header 'Content-Type: application/json' --data "$2" "$url$1"
}

# The end of an invoice's job: complete or fail, and what belongs to it.
add_up() {
  jq -c '.payload as {$number, $items} | if $items == []
    then {message: "invoice \($number) has no items", code: "no-items"} as $error
      | {verb: "fail", body: {lease, $error, retry: false}}
    else {verb: "complete", body: {lease, result: {$number, total_cents: ($items | map(.count * .cents) | add)}}}
    end' <<<"$1"
}

stop=
trap 'stop=1' TERM INT
while [ -z "$stop" ]; do
  claim=$(jq -nc --arg worker "$worker_id" --arg claim "$RANDOM-$RANDOM-$RANDOM" \
    '{worker_id: $worker, types: ["invoice"], wait_s: 5, lease_s: 60, claim_id: $claim}')
  answer=$(post /v1/work "$claim") || { echo "$answer" >&2; sleep 1; continue; }
  job=$(jq -c '.jobs[0] // empty' <<<"$answer")
  [ -n "$job" ] || continue
  end=$(add_up "$job")
  # A 409 or 410 says that the job went on or ended without this worker: nothing is left to do.
  post "/v1/work/$(jq -r .job_id <<<"$job")/$(jq -r .verb <<<"$end")" "$(jq -c .body <<<"$end")" >/dev/null
done

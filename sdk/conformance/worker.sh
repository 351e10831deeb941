#!/usr/bin/env bash
# The worker of scenarios.json in bash, with curl and jq: one job at a time in each of CONCURRENCY loops.
#   HASTY_URL=http://localhost:8080 sdk/conformance/worker.sh
set -uo pipefail

url=${HASTY_URL:-http://localhost:8080}
type=${HASTY_TYPE:-conformance}
lease_s=${LEASE_S:-5}
# Seconds between two heartbeats.
beat_s=${BEAT_S:-$(jq -n "$lease_s / 3")}

# post PATH BODY prints the answer, and its status as the last line. The call is the same each time that it is repeated.
post() {
  local try answer status
  for try in 1 2 3 4 5 6 7 8; do
    answer=$(curl --silent --max-time 60 --write-out '\n%{http_code}' --header 'Content-Type: application/json' \
      --header @<(printf '%s' "${HASTY_TOKEN:+Authorization: Bearer $HASTY_TOKEN}") --data @- "$url$1" <<<"$2")
    status=${answer##*$'\n'}
    case $status in
      000 | 429 | 502 | 503 | 504) sleep "$((RANDOM % (try * 200)))e-3" ;;
      *) break ;;
    esac
  done
  printf '%s' "$answer"
}

# Extends the lease until it is killed, and kills the handler $1 when the server says stop. $2 is the job; a line of
# progress in the file $3 goes along.
beat() {
  local body answer
  while sleep "$beat_s" & wait $!; do
    body=$(jq -c --arg worker "$worker_id" --argjson lease_s "$lease_s" --slurpfile progress "$3" \
      '(if $progress == [] then {} else {progress: $progress[-1]} end) as $more
      | {worker_id: $worker, $lease_s, leases: [{lease} + $more]}' \
      <<<"$2")
    answer=$(post /v1/work/extend "$body")
    case $(head -n 1 <<<"$answer" | jq -r '.leases[0].status?') in
      cancel | superseded | invalid) kill -TERM "$1" 2>/dev/null; return ;;
    esac
  done
}

# Does what the payload says, and prints how it ended: {"complete": ...} or {"fail": ...}.
handle() {
  local todo
  todo=$(jq -c '.payload.attempts[([.attempt, (.payload.attempts | length)] | min) - 1]' <<<"$1")
  jq -c 'select(.do == "progress") | {percent, message} | with_entries(select(.value != null))' <<<"$todo" >"$2"
  case $(jq -r .do <<<"$todo") in
    never_end) exec sleep infinity ;;
    sleep | progress) sleep "$(jq '.ms / 1000' <<<"$todo")" ;;
  esac
  jq -c --argjson job "$1" '
    if .do == "fail" then {fail: {error: {message}}}
    elif .do == "fail_unsendable" then {fail: {error: {message: "bad \ufffd x"}}}
    elif .do == "complete_nested" then {complete: {result: (reduce range(.levels) as $_ (1; [.]))}}
    elif .do == "fail_permanently" then {fail: {error: {message, code}, retry: false}}
    elif .do == "retry_later" then {fail: {error: {message}, retry: {delay_ms}}}
    elif .do == "tell" then {complete: {result: {
      attempt: $job.attempt, max_attempts: $job.max_attempts,
      has_fencing_token: ($job.fencing_token > 0), has_deadline: ($job.deadline_at != null)}}}
    else {complete: {result}} end' <<<"$todo"
}

# tell JOB VERB BODY says how the job ended, and prints as `post` does.
tell() {
  post "/v1/work/$(jq -r .job_id <<<"$1")/$2" "$(jq -c --argjson job "$1" '{lease: $job.lease} + .' <<<"$3")"
}

run() {
  local job=$1 progress end verb handler beats status answer
  progress=$(mktemp)
  end=$(mktemp)
  handle "$job" "$progress" >"$end" &
  handler=$!
  beat "$handler" "$job" "$progress" &
  beats=$!
  # A stop interrupts the wait, and not the handler.
  while wait "$handler"; status=$?; [ "$status" -gt 128 ] && kill -0 "$handler" 2>/dev/null; do :; done
  if [ "$status" = 0 ]; then
    verb=$(jq -r 'keys[0]' "$end")
    answer=$(tell "$job" "$verb" "$(jq -c ".$verb" "$end")")
    case ${answer##*$'\n'} in
      # The server cannot take the result, or the error: it is told why instead.
      400 | 413 | 422)
        tell "$job" fail "$(head -n 1 <<<"$answer" | jq -c --arg verb "$verb" '
          if $verb == "complete"
          then {error: {name: "Permanent", message: "the result was refused: \(.detail)", code}, retry: false}
          else {error: {name: "Error", message: "the error was refused: \(.detail)", code}} end')" >/dev/null
        ;;
    esac
  fi
  kill "$beats" 2>/dev/null
  wait "$beats" 2>/dev/null
  rm -f "$progress" "$end"
}

# A stop waits for the job that runs. What a claim was given while it was taken back ends by its lease.
work() {
  local answer job stop=
  worker_id="bash-$1-$$-$RANDOM"
  trap "stop=1" TERM INT
  while [ -z "$stop" ]; do
    answer=$(post /v1/work "$(jq -nc --arg worker "$worker_id" --arg type "$type" --argjson lease_s "$lease_s" \
      --arg claim "$RANDOM-$RANDOM-$RANDOM" \
      '{worker_id: $worker, types: [$type], wait_s: 2, $lease_s, claim_id: $claim}')")
    [ "${answer##*$'\n'}" = 200 ] || { sleep 1; continue; }
    job=$(head -n 1 <<<"$answer" | jq -c '.jobs[0] // empty')
    [ -z "$job" ] || run "$job"
  done
}

loops=()
for ((n = 0; n < ${CONCURRENCY:-8}; n++)); do
  work "$n" &
  loops+=($!)
done
trap 'kill -TERM "${loops[@]}" 2>/dev/null' TERM INT
while kill -0 "${loops[@]}" 2>/dev/null; do wait; done
exit 0

#!/usr/bin/env bash
# Sends the messages of a file, one JSON value per line, with curl. All are stored or none; with the same key, only once.
#   HASTY_URL=http://localhost:8080 HASTY_TOKEN=... ./send-messages.sh examples/messages.ndjson monday
set -euo pipefail

url=${HASTY_URL:-http://localhost:8080}
file=${1:-examples/messages.ndjson}
key=${2:-$(date +%s)-$RANDOM}

# The token is passed in a file, so that the list of processes does not show it.
curl --silent --show-error --fail-with-body --max-time 60 \
  --header @<(printf '%s' "${HASTY_TOKEN:+Authorization: Bearer $HASTY_TOKEN}") \
  --header "Idempotency-Key: $key" --retry 5 --retry-connrefused \
  --header 'Content-Type: application/x-ndjson' --data-binary "@$file" "$url/message"
echo

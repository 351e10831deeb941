#!/bin/sh
# Starts nats-server on the nats.conf beside this file (or NATS_CONFIG there). Passwords come from files
# (NATS_API_PASSWORD_FILE and so on) or from the environment (NATS_API_PASSWORD); without either it starts with
# development defaults and warns. Further arguments go to nats-server.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
say() { echo "start.sh: $*" >&2; }

# nats-server parses a value like the rest of the configuration: quotes keep it a text.
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"; }

users='SETUP API KEEPER JOB WORKFLOW INGEST BACKUP'
[ -z "${NATS_PEERS:-}" ] || users="$users ROUTE"
for user in $users; do
  eval "file=\${NATS_${user}_PASSWORD_FILE:-} password=\${NATS_${user}_PASSWORD:-}"
  if [ -n "$file" ]; then
    [ -r "$file" ] || { say "NATS_${user}_PASSWORD_FILE: $file cannot be read"; exit 2; }
    password=$(cat "$file")
  fi
  case $password in
    '') password=development-only; defaults="${defaults:-}${defaults:+, }NATS_${user}_PASSWORD" ;;
    development-only*) defaults="${defaults:-}${defaults:+, }NATS_${user}_PASSWORD" ;;
  esac
  [ "$user" != ROUTE ] || route=$password
  eval "NATS_${user}_PASSWORD=\$(quoted \"\$password\")"
  export "NATS_${user}_PASSWORD"
done
[ -z "${defaults:-}" ] || say "WARNING: development passwords, which anyone can know: set $defaults"

store=${NATS_STORE_DIR:-/data}
# Less than the size of the disk: the broker must refuse for lack of room before the disk does. NATS_DISK_PERCENT is the
# broker's share of a disk that it shares with others.
wanted=${NATS_MAX_FILE_BYTES:-10737418240}
free_kb=$(df -Pk "$store" | awk 'END { print $4 }')
used_kb=$(du -sk "$store" 2>/dev/null | awk '{ print $1 }')
room=$(awk -v free="$free_kb" -v used="${used_kb:-0}" -v percent="${NATS_DISK_PERCENT:-80}" \
  'BEGIN { printf "%.0f", (free + used) * 1024 * percent / 100 }')
if [ "$room" -lt "$wanted" ]; then
  jobs=$(awk -v room="$room" 'BEGIN { printf "%.0f", room * 0.8 }')
  say "WARNING: the disk has room for $room bytes, not for $wanted: give the api LOG_MAX_BYTES=$jobs or less"
  wanted=$room
fi

# NATS_PEERS="nats nats-2 nats-3": the nodes of a cluster, which know each other by one more password.
if [ -n "${NATS_PEERS:-}" ]; then
  plain=$(printf %s "$route" | od -An -tx1 -v | tr -d '\n' | sed 's/ /%/g')
  routes=
  for peer in $NATS_PEERS; do routes="$routes${routes:+, }\"nats://route:$plain@$peer:6222\""; done
  export NATS_ROUTES="[$routes]"
fi

NATS_MAX_FILE_BYTES=$wanted
NATS_STORE_DIR=$(quoted "$store")
NATS_SYNC=$(quoted "${NATS_SYNC:-always}")
NATS_SERVER_NAME=$(quoted "${NATS_SERVER_NAME:-nats}")
NATS_MONITOR=$(quoted "${NATS_MONITOR:-127.0.0.1:8222}")
export NATS_MAX_FILE_BYTES NATS_STORE_DIR NATS_SYNC NATS_SERVER_NAME NATS_MONITOR
exec nats-server --config "$here/${NATS_CONFIG:-nats.conf}" "$@"

#!/bin/sh
# Checks whether the broker is healthy; with `live`, whether it answers at all. nats-server 2.15 writes no more to a stream
# once a write has failed, even when its disk has room again: then this ends it, and its container is restarted.
set -u
address=${NATS_MONITOR:-127.0.0.1:8222}
port=${address##*:}
store=${NATS_STORE_DIR:-/data}

# Not wget, which shows only the status of an answer other than 200.
ask() { printf 'GET %s HTTP/1.0\r\n\r\n' "$1" | nc -w 3 127.0.0.1 "$port"; }

# Room for the largest message.
has_room() {
  dd if=/dev/zero of="$store/.room" bs=1048576 count=4 conv=fsync 2>/dev/null
  written=$?
  rm -f "$store/.room"
  return "$written"
}

health=$(ask /healthz)
case $health in
  *'write error'*)
    if has_room; then
      echo "health.sh: the broker refuses to write although its disk has room: it is ended, to be started anew"
      kill -TERM "$(pidof nats-server)"
    fi
    ;;
esac
[ "${1:-}" != live ] || health=$(ask '/healthz?js-enabled-only=true')
case $health in
  *' 200 OK'*) exit 0 ;;
  *) exit 1 ;;
esac

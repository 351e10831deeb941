#!/bin/sh
# Restores a backup of scripts/back-up.sh into a compose deployment without volumes, and starts it.
#   sh scripts/restore.sh FOLDER
set -eu
[ $# = 1 ] || { echo "usage: sh scripts/restore.sh FOLDER" >&2; exit 2; }
HASTY_BACKUP=$(cd "$1" && pwd)
export HASTY_BACKUP
# Nothing else yet: setup would make empty streams.
docker compose up -d --wait nats mongo
# The user of the containers owns what is restored, and reads the backup meanwhile.
trap 'chmod 700 "$HASTY_BACKUP"' EXIT
trap 'exit 130' INT TERM HUP
chmod -R a+rX "$HASTY_BACKUP"
docker compose run --rm --no-deps -T restore
# The broker reads the ids of the cooldown from its disk when it starts, not when it restores.
docker compose restart nats
docker compose up -d --wait
echo "Restored from $HASTY_BACKUP"

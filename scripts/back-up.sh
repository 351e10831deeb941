#!/bin/sh
# Backs up a compose deployment while it runs: all streams, all stores and the files of messages.
#   sh scripts/back-up.sh [FOLDER]     by default ./backup/<time>
# Messages are accepted meanwhile, and processed when this is over: what is processed between two snapshots would be
# processed again after a restore.
set -eu
folder=${1:-backup/$(date -u +%Y-%m-%dT%H-%M-%SZ)}
mkdir -p "$folder"
HASTY_BACKUP=$(cd "$folder" && pwd)
export HASTY_BACKUP
# A backup holds every payload: only you may open it.
chmod 700 "$HASTY_BACKUP"
running=$(docker compose ps -q ingest)
resume() { [ -z "$running" ] || docker compose start ingest; }
trap resume EXIT
trap 'exit 130' INT TERM HUP
[ -z "$running" ] || docker compose stop ingest
code=0
docker compose run --rm --no-deps -T --user "$(id -u):$(id -g)" back-up || code=$?
[ "$code" = 0 ] && echo "Backed up to $HASTY_BACKUP"
exit "$code"

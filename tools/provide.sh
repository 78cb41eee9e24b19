#!/usr/bin/env bash
# Provides commands that no language's package registry has. Usage: tools/provide.sh COMMAND...
# Installed where that is possible (Debian, as root); otherwise it says what is missing, and fails.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # where servers are, and an ordinary user does not look

declare -A packages=(
    [curl]=curl [git]=git [wrk]=wrk [mmdebstrap]=mmdebstrap [unshare]=util-linux
    [java]=default-jre-headless [chromium]="chromium fonts-liberation" [pgbouncer]=pgbouncer
    [redis-server]=redis-server
)
missing=()
for name in "$@"; do
    command -v "$name" >/dev/null || missing+=(${packages[$name]})
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]} ..."
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # which starts no service
    apt-get update --quiet=2
    apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >/dev/null
    exit
fi
echo "What is missing: ${missing[*]}. Your system's packages have it." >&2
exit 1

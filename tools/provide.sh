#!/usr/bin/env bash
# Provides what the outside tools need and no language's package registry has: Java for openapi-generator, a browser
# for Swagger UI. Installed where that is possible (Debian, as root); otherwise it says what is missing, and fails.
set -euo pipefail

missing=()
command -v java >/dev/null || missing+=(default-jre-headless)
command -v chromium >/dev/null || missing+=(chromium)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]} ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >/dev/null
    exit
fi
echo "The outside tools need ${missing[*]}: install them from your system's packages." >&2
exit 1

#!/bin/sh
# Installs locked packages into a virtual environment, made first where it is missing, or anew where it is only half made.
# Usage: tools/install.sh ENVIRONMENT LOCK [PIP ARGUMENT]...
# What follows the lock is installed after it, without dependencies. PYTHON says which Python makes the environment.
# Whatever is missing is said in one line that says what to do, and the exit code is 2.
set -eu

environment=$1 lock=$2
shift 2
python=${PYTHON:-python3}
whole=$environment/whole # there once everything was installed, and as long as nothing is being changed
log=$environment/install.log

refuse() {
    echo "$*" >&2
    exit 2
}

pip() {
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" >>"$log" 2>&1 || explain
}

explain() {
    if grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError' "$log"; then
        refuse "The package index can't be reached: check the network, and what pip is told of it" \
            "('$environment/bin/python -m pip config list'). The log is $log."
    fi
    refuse "The packages of $lock can't be installed: $(grep '^ERROR' "$log" | tail -n 1) The log is $log."
}

usable() {
    [ -e "$whole" ] && "$environment/bin/python" -c '' 2>/dev/null
}

[ -w "${environment%/*}" ] || [ -w "$environment" ] ||
    refuse "$(id -un) can't write to $(cd "${environment%/*}" && pwd): packages and data belong into the checkout;" \
        "take one of your own."
lacking=no
if ! usable; then
    lacking=yes
    command -v "$python" >/dev/null ||
        refuse "There is no $python: install Python 3.11 or later, or say where it is with PYTHON=/path/to/python."
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.version_info >= (3, 11))')
    [ "${version#* }" = True ] ||
        refuse "Python 3.11 or later is needed, and $python is ${version% *}: say which with PYTHON=python3.11."
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        refuse "$python can't make virtual environments: install python3-venv ('apt install python3-venv' on Debian)."
fi

echo "Installing the packages of $lock into $environment; the first time takes a minute ..."
if [ $lacking = yes ]; then
    said=$("$python" -m venv --clear "$environment" 2>&1) || refuse "$python can't make $environment: $said"
fi
rm -f "$whole"
: >"$log"
pip --require-hashes -r "$lock"
[ $# = 0 ] || pip --no-deps --no-build-isolation "$@"
touch "$whole"

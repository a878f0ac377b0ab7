#!/bin/sh
# Installs the Debian packages named, where we are root or may sudo; says loudly what is missing where not.
# Exit status is 0 either way: the tests that need a missing program skip (with CI=true they fail).
export DEBIAN_FRONTEND=noninteractive
missing=""
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"
else
    echo "!! Not installed, and no right to install:$missing. Tests that need them are skipped." >&2
    exit 0
fi
# A package's own service would take the default port: we start private instances on free ports instead.
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null; $as_root chmod +x "$policy"; ours=1; }
$as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null \
    || echo "!! Could not install:$missing. Tests that need them are skipped." >&2
[ -n "$ours" ] && $as_root rm -f "$policy"
exit 0

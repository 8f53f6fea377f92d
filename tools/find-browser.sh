#!/bin/sh
# find-browser.sh BIN: make sure that the browser tests find a Chromium.
# The system's own; else Debian's package when root; else Playwright's.
set -eu
bin=$1

for name in "${UNET_DEMO_CHROMIUM:-}" chromium google-chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then
        exit 0
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq chromium && command -v chromium >/dev/null && exit 0
fi

"$bin/playwright" install chromium

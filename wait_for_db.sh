#!/usr/bin/env bash
# Waits until the database accepts writes: up to 30 tries, 2 seconds apart. Options are passed on and win.
# Exit codes: 0 ready, 3 never came, 4 refuses for good.
set -o errexit
cd "$(dirname "${BASH_SOURCE[0]}")"

# As manage.py wait_for_db, without loading the project's apps first.
export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-sms_sender.settings}"
exec python -m auto_migrate wait_for_db --max-attempts=30 --retry-delay=2 "$@"

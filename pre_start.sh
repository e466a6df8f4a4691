#!/usr/bin/env bash
# Brings the database up to date before the release starts; stops with the exit code of the step that failed.
set -o errexit
cd "$(dirname "${BASH_SOURCE[0]}")"

say() {
    case "${LANGUAGE_CODE:-pt-br}" in
        pt*) echo "$1" ;;
        *) echo "$2" ;;
    esac
}

# Platforms signal this shell alone, which would die and leave the migration running unseen. So each step runs in the
# background, in a process group of its own that Ctrl-C does not reach twice; it is told of the signal once, and awaited
# until it has finished the migration that it is in.
run() {
    local child status signal
    set -o monitor
    "$@" </dev/null &
    child=$!
    set +o monitor
    trap 'signal=TERM; kill -TERM "$child" 2>/dev/null || true' TERM
    trap 'signal=INT; kill -INT "$child" 2>/dev/null || true' INT
    while true; do
        signal=
        status=0
        wait "$child" || status=$?
        [ -n "$signal" ] || break # a signal ends `wait` before the step has ended
    done
    trap - TERM INT
    return "$status"
}

say "🔄 Iniciando processo de migração automática..." "🔄 Starting the automatic migration..."

# Wait until the database is ready
run ./wait_for_db.sh

# Migrate, trying again after passing failures; settings that would only fail once an SMS is due are refused before
export CHECK_SETTINGS=true
run python manage.py auto_migrate --max-retries=5 --retry-delay=3

say "🚀 Migrações concluídas! Aplicação pronta para iniciar..." \
    "🚀 Migrations done! The application is ready to start..."

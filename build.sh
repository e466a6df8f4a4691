#!/usr/bin/env bash
set -o errexit
cd "$(dirname "${BASH_SOURCE[0]}")"

# Install dependencies
pip install -r requirements.txt

# Collect static files
python manage.py collectstatic --noinput

# Run migrations
python manage.py migrate

echo "Build completed successfully!"

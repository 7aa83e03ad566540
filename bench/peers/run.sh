#!/usr/bin/env bash
# The nested query beside other systems, which are installed in this folder and nowhere else.
# Takes what `npm run bench` takes: `bench/peers/run.sh --rounds 3`. PostGraphile wants Node 22,
# so all run on it; it is fetched where the machine has an older one.
set -euo pipefail
cd "$(dirname "$0")/../.."
npm ci --prefix bench/peers --ignore-scripts --no-fund --no-audit
npm run --silent build
node=node
if [ "$(node -p 'parseInt(process.versions.node) < 22')" = true ]; then
  node=$(npm exec --yes --package=node@22 -- node -p process.execPath)
fi
"$node" dist/bench/run.js --works peers "$@"

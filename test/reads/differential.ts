import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

/**
 * Asks random documents of statements and of resolvers, other ones than those of every test run:
 *
 *     npm run test:differential -- --seed 7 --count 5000
 *
 * Without a seed it takes one by chance, which it prints; the same seed asks the same documents.
 * Some hundred are the fewest: it also sees that every field was asked for.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    count: { type: "string", default: "5000" },
  },
});
const { seed, count } = values;
if (!/^\d+$/.test(seed) || !/^[1-9]\d*$/.test(count)) {
  throw new Error("--seed and --count take whole numbers.");
}
process.stdout.write(`npm run test:differential -- --seed ${seed} --count ${count}\n`);
const { status } = spawnSync("npx", ["jest", "test/reads/differential.test"], {
  stdio: "inherit",
  env: { ...process.env, DIFFERENTIAL_SEED: seed, DIFFERENTIAL_COUNT: count },
});
process.exitCode = status ?? 1;

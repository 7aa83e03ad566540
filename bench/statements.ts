import { pino } from "pino";
import { readConfig } from "../src/setup/config";
import { Database } from "../src/database/database";
import { openDataSource } from "../src/database/dataSource";
import { createServer } from "../src/http/server";
import { openServices } from "../src/setup/openServices";
import type { Seeded } from "./seed";
import { bodyOf, type Work } from "./works";

/**
 * How many statements Gatehouse sends for one request of a work, `begin` and `commit` included.
 * They are counted in a server of this process's own, which nobody measures.
 */
export async function statementsOf(url: string, works: Work[], seeded: Seeded): Promise<number[]> {
  const source = await openDataSource({ url, as: "serve", poolSize: 2 }).initialize();
  const db = new Database(source);
  const config = readConfig({ DATABASE_URL: url });
  const services = await openServices(config);
  const app = await createServer({ db, config, services, logger: pino({ level: "warn" }) });
  try {
    const counts: number[] = [];
    for (const work of works) {
      let count = 0;
      db.observe = () => count++;
      const asks = work.turn(seeded, 0);
      // Once before: whoever asks for the first time is looked up apart.
      for (const [i, ask] of [...asks, ...asks].entries()) {
        if (i === asks.length) count = 0;
        const { body } = await app.inject({
          method: "POST",
          url: "/graphql",
          headers: { "content-type": "application/json", authorization: `Bearer ${ask.key}` },
          payload: bodyOf(ask),
        });
        if (!body.startsWith(ask.expects)) throw new Error(`${ask.operation}: ${body}`);
      }
      counts.push(count / asks.length);
    }
    return counts;
  } finally {
    await app.close();
    await db.close();
  }
}

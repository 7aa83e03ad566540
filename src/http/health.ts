import type { FastifyInstance } from "fastify";
import type { Database } from "../database/database";
import { raw, sql } from "../database/sql";

const DATABASE_MS = 2_000;

/** For an orchestrator: `GET /healthz` says whether the process runs, `GET /readyz` whether it can serve. */
export function health(app: FastifyInstance, { db }: { db: Database }, done: () => void): void {
  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const ready = await Promise.race([
      db.query(sql`select ${raw("1")}`).then(
        () => true,
        () => false,
      ),
      new Promise<false>((give) => setTimeout(give, DATABASE_MS, false).unref()),
    ]);
    return reply.status(ready ? 200 : 503).send({ status: ready ? "ok" : "database away" });
  });
  done();
}

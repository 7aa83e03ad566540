import { setTimeout as sleep } from "node:timers/promises";
import Fastify, { type FastifyInstance } from "fastify";
import { Unavailable } from "../../src/errors";
import { answerErrors } from "../../src/http/errorAnswers";
import { closeWhenDrained } from "../../src/http/lifecycle";
import { type Streamed, streamsOf } from "../../src/http/streams";
import { useDatabase } from "../support/database";
import { ADMINISTRATOR, aMember, anAccount, aSession } from "../support/factories";
import { headersOf, serve, type Served } from "../support/http";

const SIGN_MS = 30;

let server: Served;
beforeAll(async () => {
  await useDatabase();
  server = await serve({ signMs: SIGN_MS });
});

const started: FastifyInstance[] = [];
afterAll(() => Promise.all(started.map((app) => app.close())));

/** An answer, and what comes of it bit by bit. */
async function opened(url: string, headers: Record<string, string> = {}) {
  const leaving = new AbortController();
  const { status, headers: sent, body } = await fetch(url, { headers, signal: leaving.signal });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    status,
    headers: sent,
    /** All that has come once this is among it. A test that waits in vain ends by its timeout. */
    until: async (end: string) => {
      while (!text.includes(end)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`It ended: ${JSON.stringify(text)}`);
        text += value;
      }
      return text;
    },
    leave: () => leaving.abort(),
  };
}

/** A server that answers with one stream. */
async function streaming(streamed: Streamed, signMs = SIGN_MS) {
  const app = Fastify({ forceCloseConnections: "idle" });
  started.push(app);
  answerErrors(app);
  closeWhenDrained(app);
  const sendStream = streamsOf(app, signMs);
  app.get("/", (_request, reply) => {
    void reply.header("content-disposition", "attachment");
    return sendStream(reply, streamed);
  });
  return app.listen({ host: "127.0.0.1", port: 0 });
}

describe("a live tail in which nothing happens", () => {
  async function tail(format: string) {
    const account = await anAccount();
    const { token } = await aSession((await aMember(account, ADMINISTRATOR)).userId);
    const path = `/accounts/${account.id}/events?follow=true&format=${format}`;
    return opened(server.url + path, headersOf({ token }));
  }

  it("E4: begins at once, asks proxies not to buffer, and gives signs of life in NDJSON", async () => {
    const { status, headers, until, leave } = await tail("ndjson");
    expect({ status, buffering: headers.get("x-accel-buffering") }).toEqual({
      status: 200,
      buffering: "no",
    });
    expect(await until("\n\n\n\n")).toMatch(/^\n+$/);
    leave();
  });

  it("E4: does so in CSV, after its header", async () => {
    const { headers, until, leave } = await tail("csv");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(await until("\n\n\n\n")).toMatch(/^id,[\w,]+\n+$/);
    leave();
  });
});

it("gives a sign of life in server-sent events by a comment, before the first event and between two", async () => {
  const url = await streaming({
    type: "text/event-stream",
    live: true,
    async *chunks() {
      await sleep(2 * SIGN_MS);
      yield "data: one\n\n";
      await sleep(3 * SIGN_MS);
      yield "data: two\n\n";
    },
  });
  const { headers, until } = await opened(url);
  expect(headers.get("content-type")).toBe("text/event-stream");
  const text = await until("two\n\n");
  expect(text).toMatch(/^(:\n\n)+data: one\n\n(:\n\n)+data: two\n\n$/);
});

it("sends a file that is never quiet as it is", async () => {
  const url = await streaming({
    type: "application/x-ndjson",
    live: false,
    async *chunks() {
      for (const line of ["1\n", "2\n"]) yield line;
    },
  });
  const response = await fetch(url);
  expect(await response.text()).toBe("1\n2\n");
});

it("answers an error before a file's first line with its status, and none of a file's headers", async () => {
  const url = await streaming(
    {
      type: "text/csv; charset=utf-8",
      live: false,
      // eslint-disable-next-line require-yield
      async *chunks() {
        throw new Unavailable(new Error("The database is away."));
      },
    },
    60_000,
  );
  const response = await fetch(url);
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toMatch("application/json");
  expect(response.headers.get("content-disposition")).toBeNull();
  expect(response.headers.get("x-accel-buffering")).toBeNull();
  expect(await response.json()).toMatchObject({
    errors: [{ extensions: { code: "SERVICE_UNAVAILABLE" } }],
  });
});

it("ends its source once its client has left, and once the server stops", async () => {
  const ended: string[] = [];
  const url = await streaming({
    type: "application/x-ndjson",
    live: true,
    async *chunks(over) {
      yield "1\n";
      await new Promise((aborted) => over.addEventListener("abort", aborted));
      ended.push("over");
    },
  });
  const { until, leave } = await opened(url);
  await until("1\n");
  leave();
  while (ended.length < 1) await sleep(5);

  const response = await fetch(url);
  await started.at(-1)!.close();
  // It ends as a complete answer: nothing breaks off.
  expect(await response.text()).toMatch(/^1\n+$/);
  expect(ended).toEqual(["over", "over"]);
});

import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance, FastifyReply } from "fastify";
import { render } from "../errors";
import { report } from "./errorAnswers";

/** A sign of life of each kind of stream: its readers skip it. */
const SIGNS_OF_LIFE = {
  "application/x-ndjson": "\n",
  "text/csv; charset=utf-8": "\n",
  "text/event-stream": ":\n\n",
};

const HEADERS_OF_STREAMS = ["content-type", "content-disposition", "x-accel-buffering"];

export interface Streamed {
  type: keyof typeof SIGNS_OF_LIFE;
  /** What is sent, in whole lines. It ends soon after `over` is aborted: the client left, or the server stops. */
  chunks: (over: AbortSignal) => AsyncIterable<string>;
  /** Whether the answer begins at once, though its first chunk may be long in coming. */
  live: boolean;
}

/** Answers with a stream. */
export type SendStream = (reply: FastifyReply, streamed: Streamed) => FastifyReply;

/**
 * How every surface of this server sends what comes bit by bit, so that it gets through proxies: they
 * hold back what they buffer, and cut off what is quiet for long.
 *
 * @param signMs How long a stream is quiet before it gives a sign of life.
 */
export function streamsOf(app: FastifyInstance, signMs: number): SendStream {
  const stopping = new AbortController();
  app.addHook("preClose", (done) => {
    stopping.abort();
    done();
  });

  return (reply, { type, chunks, live }) => {
    // nginx and its like pass on at once what says so.
    void reply.type(type).header("x-accel-buffering", "no");
    // A stream, as its length is not known; Fastify would read a whole one for its headers.
    if (reply.request.method === "HEAD") return reply.send(Readable.from([]));
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const over = AbortSignal.any([stopping.signal, gone.signal]);
    const signs = { sign: SIGNS_OF_LIFE[type], firstMs: live ? 0 : signMs, signMs };
    const source = withSigns(brokenOff(chunks(over), reply), signs);
    return reply.send(Readable.from(source, { objectMode: false }));
  };
}

/** Chunks, of which an error leaves the headers as those of an error's answer, or a line in the log. */
async function* brokenOff(chunks: AsyncIterable<string>, reply: FastifyReply) {
  try {
    yield* chunks;
  } catch (error) {
    // Once the status is sent, only a connection that breaks off can say it.
    if (reply.raw.headersSent) {
      if (render(error).internal) report(reply.request, error);
    } else {
      for (const name of HEADERS_OF_STREAMS) void reply.removeHeader(name);
    }
    throw error;
  }
}

/** Chunks, and signs of life while none comes. */
async function* withSigns(
  chunks: AsyncGenerator<string>,
  { sign, firstMs, signMs }: { sign: string; firstMs: number; signMs: number },
) {
  try {
    let next = chunks.next();
    for (let quietMs = firstMs; ; quietMs = signMs) {
      const come = new AbortController();
      const quiet = sleep(quietMs, null, { signal: come.signal, ref: false });
      const result = await Promise.race([next, quiet]).finally(() => come.abort());
      if (result?.done) return;
      yield result ? result.value : sign;
      if (result) next = chunks.next();
    }
  } finally {
    await chunks.return(undefined);
  }
}

import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Context } from "../context/context";
import { Refusal, Refused, render } from "../errors";
import { addIdentity } from "../operations/identities/addIdentity";
import { redeemAuthorization } from "../operations/identities/redeemAuthorization";
import { signInThrough } from "../operations/identities/signInThrough";
import { startSignIn } from "../operations/identities/startSignIn";
import { keepSession } from "../operations/sessions/keepSession";
import type { OpenContext } from "./caller";
import { parsed } from "./parameters";

/** Longer than the query of any callback from GitHub or Google. */
const MOST_CHARACTERS = 8192;

type At = { Params: { provider: string } };

const beginning = z.strictObject({
  returnTo: z.string("takes one path, such as /welcome").default("/"),
});

/**
 * `GET /sign-in/:provider` sends a browser to GitHub or Google, and `/sign-in/:provider/callback` sends it
 * on to the frontend (U8): to `returnTo` with the session in its cookie, or to `/sign-in` with the
 * challenge or the error in the fragment, which browsers send to no server.
 */
export function socialSignIn(
  app: FastifyInstance,
  { open, appUrl }: { open: OpenContext; appUrl: string },
  done: () => void,
): void {
  const signInPage = `${appUrl}/sign-in`;
  // A HEAD request would begin an authorization, or redeem it.
  const options = { exposeHeadRoute: false };

  app.get<At>("/sign-in/:provider", options, async (request, reply) => {
    const ctx = await open(request, reply);
    const provider = providerIn(ctx, request.params.provider);
    if (!provider) return reply.callNotFound();
    const { returnTo } = parsed(beginning, request.query);
    try {
      const { url, secret } = await startSignIn(ctx, provider, returnTo);
      ctx.browser.keepFlow(secret);
      return reply.redirect(url, 303);
    } catch (error) {
      // A mistake of the frontend, so there is no page to send the browser to.
      if (error instanceof Refused && error.code === Refusal.BAD_USER_INPUT) throw error;
      return reply.redirect(signInPage + told(ctx, error), 303);
    }
  });

  app.get<At>("/sign-in/:provider/callback", options, async (request, reply) => {
    const ctx = await open(request, reply);
    const provider = providerIn(ctx, request.params.provider);
    if (!provider) return reply.callNotFound();
    const secret = ctx.browser.flowSecret ?? "";
    const parameters = new URLSearchParams(searchOf(request));
    let page = signInPage;
    try {
      const state = parameters.get("state") ?? "";
      const { returnTo, links } = await redeemAuthorization(ctx, provider, secret, state);
      ctx.browser.forgetFlow(); // not before: an attacker's link to this URL must not end it
      const back = appUrl + returnTo;
      if (links) {
        page = back;
        await addIdentity(ctx, provider, secret, parameters);
        return reply.redirect(back, 303);
      }
      const opened = await signInThrough(ctx, provider, secret, parameters);
      if (!opened.session)
        return reply.redirect(`${page}#challenge=${opened.challenge.token}`, 303);
      await keepSession(ctx, opened.token);
      return reply.redirect(back, 303);
    } catch (error) {
      return reply.redirect(page + told(ctx, error), 303);
    }
  });
  done();
}

/** The configured provider with this name in a URL. */
function providerIn({ services }: Context, word: string) {
  return services.social.find(({ provider }) => provider.toLowerCase() === word)?.provider;
}

function searchOf({ url }: FastifyRequest): string {
  const query = url.indexOf("?");
  return query < 0 ? "" : url.slice(query + 1, query + 1 + MOST_CHARACTERS);
}

/** The fragment that tells the frontend of an error: its code, and never a text of a provider. */
function told(ctx: Context, error: unknown): string {
  const { code, details, internal } = render(error);
  if (internal) ctx.report(error);
  const { retryAfter } = details;
  const seconds = typeof retryAfter === "number" ? `&retryAfter=${retryAfter}` : "";
  return `#error=${code}${seconds}`;
}

import type { Configuration, CustomFetch } from "openid-client" with {
  "resolution-mode": "import",
};
import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { SocialProvider } from "../entities/Identity";
import { Refusal, Refused } from "../errors";
import type { Fetch } from "../net/outbound";
import { emailOf } from "./emails";
import { hashOf } from "./tokens";

/** For each request to a provider, as a user waits for the answer. */
const TIMEOUT_SECONDS = 10;

/** The providers' names for people. */
export const PROVIDER_NAMES: Record<SocialProvider, string> = {
  GITHUB: "GitHub",
  GOOGLE: "Google",
};

/** A provider as the operator configures it. */
export interface ProviderSettings {
  clientId: string;
  clientSecret: string;
  /** Google's issuer, or GitHub's server. */
  url: string;
}

/** The person that a provider has authenticated. All that can be checked was checked. */
export interface Person {
  subject: string;
  /** The provider's text, not checked; null for none. */
  name: string | null;
  /** As the provider wrote it, its domain in ASCII form; null where it gave no usable address. */
  email: string | null;
  emailVerified: boolean;
}

/** Loaded at the first sign-in through a provider, as it is an ES module. */
const library = () => import("openid-client");
type Library = Awaited<ReturnType<typeof library>>;
type Tokens = Awaited<ReturnType<Library["authorizationCodeGrant"]>>;

/** What differs between the providers. */
interface Kind {
  /** As little as possible: the person's ID, name and email. */
  scope: string;
  /** Whether there is a nonce. OAuth 2 alone has no ID token, which would hold it. */
  nonce: boolean;
  configure(client: SocialClient): Promise<Configuration>;
  person(configuration: Configuration, tokens: Tokens, settings: ProviderSettings): Promise<Person>;
}

/**
 * The client of one provider: OpenID Connect, or OAuth 2 at GitHub, with code, PKCE (RFC 7636), state and
 * nonce.
 *
 * The browser has one secret, in a cookie. State, nonce and verifier are hashes made from it, so nothing
 * else has to be stored. None of them can be computed from another, or from the hash in the database.
 */
export class SocialClient {
  readonly name: string;
  /** In the form in which the library calls it. */
  readonly fetch: CustomFetch;
  /** Where a sign-in begins, with `?returnTo=`. */
  readonly startUrl: string;
  private readonly redirectUri: string;
  private readonly kind: Kind;
  private configured: Promise<Configuration> | undefined;

  constructor(
    readonly provider: SocialProvider,
    readonly settings: ProviderSettings,
    publicUrl: string,
    ask: Fetch,
  ) {
    this.fetch = (url, { body, signal, ...options }) =>
      ask(url, {
        ...options,
        body: (body ?? null) as NonNullable<RequestInit["body"]> | null,
        ...(signal && { signal }),
      });
    this.name = PROVIDER_NAMES[provider];
    this.kind = KINDS[provider];
    this.startUrl = `${publicUrl}/sign-in/${provider.toLowerCase()}`;
    this.redirectUri = `${this.startUrl}/callback`;
  }

  /**
   * The URL to send the browser to that holds the secret. @throws Refused (PROVIDER_FAILED).
   */
  async authorizationUrl(secret: string): Promise<string> {
    const { scope, nonce } = this.kind;
    return this.asking(async ({ buildAuthorizationUrl, calculatePKCECodeChallenge }) => {
      const url = buildAuthorizationUrl(await this.configuration(), {
        redirect_uri: this.redirectUri,
        scope,
        state: derived("state", secret),
        code_challenge: await calculatePKCECodeChallenge(derived("verifier", secret)),
        code_challenge_method: "S256",
        ...(nonce && { nonce: derived("nonce", secret) }),
      });
      return url.href;
    });
  }

  /**
   * The person who has come back, from the parameters of the callback URL.
   *
   * @throws Refused (PROVIDER_FAILED) where the provider does not answer, or its answer can't be trusted.
   * The cause is for the operator, and holds no secret.
   */
  async identify(secret: string, parameters: URLSearchParams): Promise<Person> {
    const { nonce } = this.kind;
    // The configured URL, and not that of the request: the provider compares it.
    const url = new URL(this.redirectUri);
    url.search = parameters.toString();
    return this.asking(async ({ authorizationCodeGrant }) => {
      const configuration = await this.configuration();
      const tokens = await authorizationCodeGrant(configuration, url, {
        expectedState: derived("state", secret),
        pkceCodeVerifier: derived("verifier", secret),
        ...(nonce && { expectedNonce: derived("nonce", secret) }),
      });
      return this.kind.person(configuration, tokens, this.settings);
    });
  }

  /** Made once. After a failure it is made again. */
  private configuration(): Promise<Configuration> {
    this.configured ??= this.kind.configure(this).catch((error: unknown) => {
      this.configured = undefined;
      throw error;
    });
    return this.configured;
  }

  private async asking<T>(ask: (library: Library) => Promise<T>): Promise<T> {
    try {
      return await ask(await library());
    } catch (error) {
      // The user has said no at the provider: nothing for the operator (RFC 6749, section 4.1.2.1).
      const cancelled = (error as { error?: unknown }).error === "access_denied";
      throw new Refused(
        Refusal.PROVIDER_FAILED,
        `${this.name} did not say who you are. Try again, or sign in another way.`,
        null,
        cancelled ? {} : { cause: new Error(reasonOf(error)) },
      );
    }
  }
}

/** Whether the state of the callback belongs to the secret in the browser's cookie. */
export function isStateOf(secret: string, state: string): boolean {
  return timingSafeEqual(hashOf(derived("state", secret)), hashOf(state));
}

function derived(what: "state" | "nonce" | "verifier", secret: string): string {
  return hashOf(`${what} of ${secret}`).toString("base64url");
}

const text = z.string().refine((one) => one.isWellFormed() && !one.includes("\0"));
/** OpenID Connect Core, section 2: up to 255 characters of ASCII. */
const subject = z.string().regex(/^[\x20-\x7e]{1,255}$/);
/** An address that a user can have. Any other text counts as none. */
const email = z
  .string()
  .transform((written) =>
    /[^ -~]/.test(written) ? emailOf(written) : emailOf(written) && written.trim(),
  )
  .nullish()
  .catch(null);

const claims = z.object({
  sub: subject,
  name: text.nullish().catch(null),
  email,
  email_verified: z.unknown().optional(),
});
const gitHubUser = z.object({
  id: z.number().int().positive(),
  login: text,
  name: text.nullish().catch(null),
});
const gitHubEmails = z
  .array(z.object({ email, primary: z.boolean(), verified: z.boolean() }))
  .max(1000);

const KINDS: Record<SocialProvider, Kind> = {
  GOOGLE: {
    scope: "openid email profile",
    nonce: true,
    async configure({ settings, fetch }) {
      const openid = await library();
      const { url, clientId, clientSecret } = settings;
      const configuration = await openid.discovery(
        new URL(url),
        clientId,
        clientSecret,
        undefined,
        {
          [openid.customFetch]: fetch,
          timeout: TIMEOUT_SECONDS,
          execute: [
            // Without it, the library checks no signature of an ID token in the code flow.
            openid.enableNonRepudiationChecks,
            ...(isPlain(url) ? [openid.allowInsecureRequests] : []),
          ],
        },
      );
      // Throws for metadata without an authorization endpoint, before they are kept.
      openid.buildAuthorizationUrl(configuration, {});
      return configuration;
    },
    async person(_configuration, tokens) {
      const { sub, name, email, email_verified } = claims.parse(tokens.claims());
      // Only the boolean counts. Some providers write "true", against the specification.
      return personFrom(sub, name, email, email_verified === true);
    },
  },
  GITHUB: {
    scope: "user:email",
    nonce: false,
    async configure({ settings, fetch }) {
      const openid = await library();
      const { url, clientId, clientSecret } = settings;
      const server = {
        // The `iss` of its answers (RFC 9207), where they have one.
        issuer: `${url}/login/oauth`,
        authorization_endpoint: `${url}/login/oauth/authorize`,
        token_endpoint: `${url}/login/oauth/access_token`,
      };
      const configuration = new openid.Configuration(server, clientId, clientSecret);
      configuration[openid.customFetch] = fetch;
      configuration.timeout = TIMEOUT_SECONDS;
      if (isPlain(url)) openid.allowInsecureRequests(configuration);
      return configuration;
    },
    async person(configuration, { access_token: token }, { url }) {
      const { fetchProtectedResource } = await library();
      const api = url === "https://github.com" ? "https://api.github.com" : `${url}/api/v3`;
      const get = async (path: string): Promise<unknown> => {
        const headers = new Headers({ accept: "application/vnd.github+json" });
        const to = new URL(api + path);
        const response = await fetchProtectedResource(
          configuration,
          token,
          to,
          "GET",
          null,
          headers,
        );
        if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
        return response.json();
      };
      const { id, login, name } = gitHubUser.parse(await get("/user"));
      const emails = gitHubEmails.parse(await get("/user/emails?per_page=100"));
      const primary = emails.find((one) => one.primary);
      return personFrom(String(id), name || login, primary?.email, primary?.verified === true);
    },
  },
};

function personFrom(
  subject: string,
  name: string | null | undefined,
  email: string | null | undefined,
  verified: boolean,
): Person {
  return {
    subject,
    name: name ?? null,
    email: email ?? null,
    emailVerified: verified && email != null,
  };
}

/** Whether a URL is http, which the configuration refuses in production. */
const isPlain = (url: string) => url.startsWith("http://");

/**
 * What went wrong, for the log: only names, codes and messages. Other properties of these errors hold
 * parameters, tokens and answers.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  // The messages of these errors quote the provider's answer.
  const quotes = error instanceof SyntaxError || error instanceof z.ZodError;
  const { code, cause, error: word } = error as Error & { code?: unknown; error?: unknown };
  // RFC 6749, sections 4.1.2.1 and 5.2: such as `access_denied` and `invalid_client`.
  const theirs = typeof word === "string" && /^[a-z_]{1,64}$/.test(word) ? word : null;
  const said = [error.name, code, theirs, quotes ? null : error.message].filter(Boolean).join(" ");
  return cause instanceof Error ? `${said}: ${reasonOf(cause)}` : said;
}

/**
 * A real OpenID provider on a free port of this machine, which it prints. It is a process of its own
 * as it is made of ES modules. Anybody signs in as whom they type: `subject~email~verified~name`.
 *
 *     node test/support/openidProvider.mjs REDIRECT_URI CLIENT_ID CLIENT_SECRET
 */
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirectUri, clientId, clientSecret, wanted = "0"] = process.argv.slice(2);

const server = createServer((request, response) => handle(request, response));
let handle;

server.listen(Number(wanted), "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        token_endpoint_auth_method: "client_secret_post",
        redirect_uris: [redirectUri],
        subject_type: "pairwise",
      },
    ],
    // So that somebody's email changes, and their subject doesn't.
    subjectTypes: ["public", "pairwise"],
    pairwiseIdentifier: (_ctx, accountId) => accountId.split("~")[0],
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    // As Google does: who asks for an email finds it in the ID token.
    conformIdTokenClaims: false,
    findAccount(_ctx, accountId) {
      const [sub, email, verified, name] = accountId.split("~");
      const claims = {
        sub,
        name: name ? decodeURIComponent(name) : `Person ${sub}`,
        email,
        email_verified: verified === "true",
      };
      return { accountId, claims: () => claims };
    },
    cookies: { keys: ["only for tests"] },
  });
  handle = provider.callback();
  process.stdout.write(`${issuer}\n`);
});

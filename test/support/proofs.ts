import { verbs } from "./calls";

/** Something that a caller proves before an operation does its work. */
interface Proof {
  name: string;
  /** What is proven, in a sentence. */
  what: string;
  /** Marks of `verbs`. An operation with one of them asks for the proof. */
  asks: readonly string[];
  /** Marks of `verbs`. An operation with one of them gives the proof, or lifts the need for it. */
  gives: readonly string[];
  /** The operations that give it without asking for it, and why an attacker gains nothing by them. */
  without: Readonly<Record<string, string>>;
}

const MAILED =
  "The link goes to the mailbox and into no answer. To follow it proves the mailbox; to ask for it proves nothing.";
const BY_OPERATOR = "Only the operator may do it, at the command line.";

const UNCONFIRMED = "It removes only an app that no code has confirmed, and never one that is on.";

export const PROOFS: readonly Proof[] = [
  {
    name: "fresh authentication",
    what: "The session was proven within the last 15 minutes (U11).",
    asks: [".requireFresh()"],
    gives: ["newSession()", ".authenticatedAt ="],
    without: {
      completeSignIn: "It takes the first factor, proven within ten minutes, and a code.",
      reauthenticate: "It takes the password, and a code where the second factor is on.",
      signIn: "It takes the password, and opens no session where a code is needed.",
      signInThrough:
        "It takes an identity at a provider, and opens no session where a code is needed.",
      verifyEmail:
        "It takes the link and the password of the sign-up. The user has nothing to protect before.",
    },
  },
  {
    name: "code",
    what: "A code of the authenticator app, or a recovery code (T2 to T4).",
    asks: ["useCode()"],
    gives: ["newTotpSecret()", "newRecoveryCodes()", "removeAuthenticator()"],
    without: {
      confirmTotp:
        "It takes a code of the app that `enrollTotp` has made within 15 minutes. `enrollTotp` takes a code of the app that is on.",
      endOtherSessions: UNCONFIRMED,
      endUserSessions: UNCONFIRMED,
      resetMfa: BY_OPERATOR,
      resetPassword: UNCONFIRMED,
      updatePassword: UNCONFIRMED,
    },
  },
  {
    name: "password",
    what: "The user's password (U2, U7).",
    asks: ["verifyPassword()"],
    gives: ["choosePassword()"],
    without: {
      createAdministrator: `${BY_OPERATOR} There is no user before.`,
      resetPassword:
        "It takes the mailbox, ends all sessions and opens none. Signing in still takes a code.",
      setPassword: "There is no password before. It takes a fresh authentication.",
      signUp: "There is no user before. `verifyEmail` takes this password and the mailbox.",
    },
  },
  {
    name: "mailbox",
    what: "The link in a mail, or a provider that has verified the address (U1, U5, U12).",
    asks: [
      'redeemToken("SIGN_UP")',
      'redeemToken("UPDATE_EMAIL")',
      'redeemToken("RESET_PASSWORD")',
    ],
    gives: [
      'kind: "sign_up"',
      'kind: "update_email"',
      'kind: "reset_password"',
      "createUser()",
      ".emailVerifiedAt =",
    ],
    without: {
      createAdministrator: `${BY_OPERATOR} There is no user before.`,
      requestPasswordReset: MAILED,
      resendVerification: MAILED,
      signInThrough: "The provider has verified the address, and no user has it.",
      signUp: MAILED,
      updateEmail: MAILED,
    },
  },
  {
    name: "first factor",
    what: "The challenge of a sign-in that waits for a code (T2).",
    asks: ['redeemToken("COMPLETE_SIGN_IN")'],
    gives: ["issueChallenge()"],
    without: {
      signIn: "It takes the password.",
      signInThrough: "It takes an identity at a provider.",
      verifyEmail: "It takes the link and the password of the sign-up.",
    },
  },
  {
    name: "browser",
    what: "The browser that began an authorization at a provider, and for linking the session that did (U8).",
    asks: ["isStateOf()"],
    gives: ["startAuthorization()"],
    without: {
      linkIdentity:
        "The secret goes into the cookie of the browser that asks. Only the session that asks can complete it.",
      startSignIn: "The secret goes into the cookie of the browser that asks.",
    },
  },
  {
    name: "identity",
    what: "The person's identity at GitHub or Google (U8).",
    asks: [".identify()"],
    gives: ['.record("identity_linked.v1")'],
    without: {},
  },
  {
    name: "credential",
    what: "An API key or authtoken. Requests have it, and no operation asks for one (C7).",
    asks: [],
    gives: ["issueCredential()"],
    without: {
      createApiKey:
        "A session needs a fresh authentication, also for a key of its own user. Rules refuse to API keys what only a person may do.",
      createAuthtoken: "As `createApiKey`.",
    },
  },
];

type Way = "asks" | "gives";

/** The operations that ask for a proof, or give it. */
export function verbsThat(way: Way, proof: Proof, all = verbs()): string[] {
  return [...all]
    .filter(([, marks]) => proof[way].some((one) => marks.has(one)))
    .map(([name]) => name);
}

/** The text of docs/proofs.md. */
export function proofsTable(): string {
  const all = verbs();
  const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");
  const askedBy = (verb: string) =>
    PROOFS.filter((proof) => verbsThat("asks", proof, all).includes(verb)).map(({ name }) => name);
  const sections = PROOFS.map((proof) => {
    const { name, what, without } = proof;
    const rows = verbsThat("gives", proof, all).map((verb) => {
      const asked = askedBy(verb).join(", ") || "nothing";
      return `| \`${verb}\` | ${asked} | ${without[verb] ?? "It asks for the same."} |\n`;
    });
    const asking = verbsThat("asks", proof, all);
    return `## ${name[0]!.toUpperCase()}${name.slice(1)}

${what}

Asked for by ${code(asking) || "no operation"}.

| gives it, or lifts the need for it | asks for | why that is enough |
| --- | --- | --- |
${rows.join("")}`;
  });
  return `# What is proven, and what gives a proof

An operation that asks for a proof is only as safe as the operations that give that proof. For each proof that
Gatehouse asks for, this page lists the operations that ask for it, and the operations that give it or lift the
need for it. Each of the latter asks for the same proof, or the page says why an attacker gains nothing by it.

The lists are read from \`src/operations\`: an operation is a file there, with the steps that it calls.
\`UPDATE=1 npx jest test/proofs\` writes this page from \`test/support/proofs.ts\`. A test fails if the page
and the operations differ.

${sections.join("\n")}`;
}

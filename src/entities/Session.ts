import { Field, ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, Index, Unique } from "typeorm";
import { Hidden, Id, Moment, Reference, Secret, Text } from "./columns";
import { Node } from "./Node";
import { User } from "./User";

/** Where a request arrives. */
export enum Surface {
  DASHBOARD = "DASHBOARD",
  API = "API",
  AGENT = "AGENT",
  SCIM = "SCIM",
}
registerEnumType(Surface, {
  name: "Surface",
  description: "Where a request arrives.",
  valuesConfig: {
    DASHBOARD: { description: "With a session: a person who signed in." },
    API: { description: "With an API key." },
    AGENT: { description: "With an authtoken or an SSH key." },
    SCIM: { description: "From an account's directory." },
  },
});

/** How a person proved who they are. */
export enum SignInMethod {
  PASSWORD = "PASSWORD",
  TOTP = "TOTP",
  RECOVERY_CODE = "RECOVERY_CODE",
  GITHUB = "GITHUB",
  GOOGLE = "GOOGLE",
}
registerEnumType(SignInMethod, {
  name: "SignInMethod",
  description: "How a person proved who they are. New methods may be added.",
  valuesConfig: {
    PASSWORD: { description: "With their password." },
    TOTP: { description: "With a code of their authenticator app." },
    RECOVERY_CODE: { description: "With a recovery code in place of a code of the app." },
    GITHUB: { description: "Through GitHub." },
    GOOGLE: { description: "Through Google." },
  },
});

/** A signed-in browser or program. A caller ends it; or it ends when it is unused, or too old. */
@ObjectType({ description: "A browser or program in which you are signed in.", implements: Node })
@Entity("sessions")
@Index(["userId", "id"])
@Index(["expiresAt", "id"])
@Index(["deviceHash"])
@Unique(["tokenHash"])
@ForeignKey(() => User, ["userId"], ["id"])
export class Session {
  @Id()
  id: string;

  @Reference()
  userId: string;

  @Secret({ type: "bytea" })
  tokenHash: Buffer;

  @Secret({ type: "bytea", nullable: true })
  deviceHash: Buffer | null;

  @Field(() => [SignInMethod], { description: "How the user proved who they are." })
  @Hidden({ type: "text", array: true })
  methods: SignInMethod[];

  @Moment({ always: true, description: "Timestamp of when the user last proved who they are." })
  authenticatedAt: Date;

  @Field(() => String, {
    nullable: true,
    description: "Address that the session was last used from.",
  })
  @Hidden({ type: "inet", nullable: true })
  ip: string | null;

  @Text({ nullable: true, description: "Browser or program, as it names itself (`User-Agent`)." })
  userAgent: string | null;

  /** The address of the sign-in. Unlike `ip`, it does not change when the session is used. */
  @Hidden({ type: "inet", nullable: true })
  signedInIp: string | null;

  /** The browser or program of the sign-in. */
  @Hidden({ type: "text", nullable: true })
  signedInUserAgent: string | null;

  @Moment({ always: true, description: "Timestamp of the last use, to the minute." })
  lastUsedAt: Date;

  @Moment({
    always: true,
    description: "Timestamp of when the session ends, even if it is in use.",
  })
  expiresAt: Date;

  @Moment({ description: "Timestamp of when the session was ended." })
  endedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when the user signed in." })
  createdAt: Date;
}

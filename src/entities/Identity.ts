import { ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, Index, Unique } from "typeorm";
import { Hidden, Id, Moment, Reference, Text, Word } from "./columns";
import { Node } from "./Node";
import { User } from "./User";

/** The providers of identities, for the whole server. Each is a `SignInMethod` of the same name. */
export enum SocialProvider {
  GITHUB = "GITHUB",
  GOOGLE = "GOOGLE",
}
registerEnumType(SocialProvider, {
  name: "SocialProvider",
  description: "A provider through which people sign in without a password.",
  valuesConfig: {
    GITHUB: { description: "GitHub, or a GitHub Enterprise Server." },
    GOOGLE: { description: "Google." },
  },
});

/**
 * A user's identity at GitHub or Google. It is recognised by the provider's subject alone, which always
 * belongs to the same person. The email there may pass to another person, so it opens nothing (U8).
 */
@ObjectType({
  description: "Your identity at GitHub or Google, with which you can sign in.",
  implements: Node,
})
@Entity("identities")
@Index(["userId", "id"])
@Unique(["provider", "subject"])
@ForeignKey(() => User, ["userId"], ["id"])
export class Identity {
  @Id()
  id: string;

  @Reference()
  userId: string;

  @Word(() => SocialProvider, { description: "Provider of the identity." })
  provider: SocialProvider;

  /** The provider's ID of the person: a number at GitHub, `sub` in OpenID Connect. */
  @Hidden({ type: "text" })
  subject: string;

  @Text({
    nullable: true,
    description: "Email address that the provider gave when the identity was linked.",
  })
  email: string | null;

  @Moment({ description: "Timestamp of when you last signed in with it." })
  lastUsedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when it was linked." })
  createdAt: Date;
}

import { Field, ObjectType } from "type-graphql";
import { Column, Entity, Unique } from "typeorm";
import { Hidden, Id, Moment, Secret, Text } from "./columns";
import { Node } from "./Node";
import { PrincipalInterface } from "./PrincipalInterface";

/**
 * A person, independent of accounts. One email identifies them. It is stored in lower case, so that
 * comparing ignores case.
 */
@ObjectType({ description: "A person who can sign in.", implements: [Node, PrincipalInterface] })
@Entity("users")
@Unique(["email"])
export class User {
  @Id()
  id: string;

  @Text({ description: "Email address of the user, in lower case." })
  email: string;

  @Field(() => String, { description: "Name of the user, in their own words." })
  @Column({ type: "text" })
  name: string;

  @Secret({ type: "text", nullable: true })
  passwordHash: string | null;

  @Moment({ description: "Timestamp of when the user proved that the email is theirs." })
  emailVerifiedAt: Date | null;

  /** Since when signing in takes a code; null where it takes none. */
  @Hidden({ type: "timestamptz", precision: 3, nullable: true })
  mfaEnabledAt: Date | null;

  /** The language of mails to the user, who alone may see it. Read it through `languageOf`. */
  @Hidden({ type: "text", default: "en" })
  language: string;

  @Moment({ always: true, description: "Timestamp of when the user was created." })
  createdAt: Date;
}

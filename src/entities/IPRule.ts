import { Field, Int, ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, PrimaryColumn } from "typeorm";
import { AccountId, Hidden, Text, Word } from "./columns";
import { IPRestriction } from "./IPRestriction";

export enum IPRuleEffect {
  ALLOW = "ALLOW",
  DENY = "DENY",
}
registerEnumType(IPRuleEffect, {
  name: "IPRuleEffect",
  description: "What a rule does with the addresses in its range.",
  valuesConfig: {
    ALLOW: {
      description:
        "They are allowed. Where a restriction has such a rule, it refuses all addresses without one.",
    },
    DENY: { description: "They are refused, even where another rule allows them." },
  },
});

/** One line of an IP restriction. */
@ObjectType({ description: "A rule of an IP restriction." })
@Entity("ip_rules")
@ForeignKey(() => IPRestriction, ["accountId", "ipRestrictionId"], ["accountId", "id"])
export class IPRule {
  @AccountId()
  accountId: string;

  @PrimaryColumn({ type: "text", collation: "C" })
  ipRestrictionId: string;

  @Field(() => Int, { description: "Place in the list, from 1." })
  @PrimaryColumn({ type: "integer" })
  position: number;

  @Field(() => String, { description: "Range of addresses, such as `203.0.113.0/24`." })
  @Hidden({ type: "cidr" })
  range: string;

  @Word(() => IPRuleEffect, { description: "What the rule does with these addresses." })
  effect: IPRuleEffect;

  @Text({ description: "What the addresses are, in the words of an administrator." })
  description: string;
}

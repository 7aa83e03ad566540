import { Extensions } from "type-graphql";

/**
 * Limits a text to so many bytes of UTF-8, instead of the 255 of every other text.
 * graphql/inputs.ts refuses longer ones before anything runs, with the limit in the error.
 *
 * TypeGraphQL drops it from a field that an input inherits, so each input declares such a field itself.
 */
export const MaxBytes = (maxBytes: number) => Extensions({ maxBytes });

/**
 * The limit of a password as it is sent. After it is normalised it has at most 256 characters; before
 * that, a character may consist of several parts, as a Hangul syllable may.
 */
export const PASSWORD_BYTES = 4096;

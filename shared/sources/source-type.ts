import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { isRecord } from '../record.ts'
import { validate } from '../validate.ts'
import type { SchemeName } from './schemes.ts'

/** Headers of a request, by name in lower case, or its query parameters. */
export type HeaderNames = Record<string, string | undefined>

/** The settings of a source in `events.yaml` that its type needs to read a notification. */
export interface SourceSettings {
  /** For type `http`: JMESPath expression that returns the id of the run, or a list of ids. Defaults to `id`. */
  run?: string | undefined
  /** For type `http`: JMESPath expression that returns whether the run has ended. Defaults to true. */
  ended?: string | undefined
}

/** The parts of a notification that are needed. Nothing else of its body is returned, because it may contain secrets. */
export interface Reading {
  /** The sender's name for what happened: `workflow_run.completed`. */
  event: string
  /** The ids of the runs, as the stored runs of providers have them. */
  runs?: readonly (string | undefined)[]
  /** Whether a run has ended, or waits for a decision. A hint, not the truth. */
  ended?: boolean
  /** A request that only tests the URL. */
  isFirst?: boolean
  /** The same for each attempt to deliver the notification. */
  delivery?: string | undefined
  /** The URL to fetch so that the sender starts to send. */
  confirmUrl?: string
  /** The body for rules, if it differs from the one that was sent. */
  content?: Record<string, unknown>
}

/**
 * The alerts of a notification. JMESPath expressions over the body, or over each element of a list in it. They and the expressions of
 * rules also see `notification`: the event, the delivery and the headers.
 */
export interface Alerts {
  /** The list in the body. Undefined if each notification is about one alert. */
  each?: string
  /** Whether the alert has started. */
  firing: string
  /** Whether the alert has ended. Undefined if the sender never says so. */
  resolved?: string
  /** Identifies the alert: the same text when it starts and when it ends. */
  key: string
  /** When its state changed (ISO 8601, or epoch seconds or milliseconds). Needed if the sender uses a key again later. */
  at?: string
  /** The key in an earlier version of this software: what was opened with it is closed with it. */
  formerKey?: string
  /** Whether it only tests the way to us. */
  test?: string
}

/** The credentials that people can enter at a sender. */
export const credentialKinds = ['keys', 'token', 'password'] as const
export type CredentialKind = (typeof credentialKinds)[number]

/** A step to take at a sender: a text, or the texts for those credentials that need one. */
export type SetupStep = string | Partial<Record<CredentialKind, string>>

/** The ways in which a sender proves its identity. At least one is set. */
interface Authentication {
  /** The signatures that the sender may send, for `keys` of the secret. */
  signatures?: readonly SchemeName[]
  /** The places of `token` of the secret in a request: a bearer token, the query parameter `token`, or a header. */
  token?: readonly ('bearer' | 'query' | `x-${string}`)[]
  /** Whether the sender may send `user` and `password` of the secret. */
  basic?: true
  /** The kind of credential to generate, if it is not the strongest one. */
  defaultCredential?: CredentialKind
  /** The sender chooses the signing key, and shows it. Otherwise, people enter one there. */
  choosesKey?: true
  /** Proofs with keys that the sender publishes: for `serviceAccount` and `audience`, or for `topics` of the secret. */
  publishedKeys?: 'google' | 'sns'
  /** The header that names the event. If no signature covers it, `read` compares it with the body. */
  eventHeader?: string
}

interface Definition<S extends z.ZodMiniType> extends Authentication {
  /** The sender's name for people. */
  title: string
  /** The header with the id of the delivery. It counts only if the credential of the sender covers it. */
  deliveryHeader?: string
  /** The parts of the body that `read` needs. Everything in it is optional, unless each request of the sender has it. */
  body: S
  read(body: z.output<S>, headers: HeaderNames, settings: SourceSettings): Reading | Promise<Reading>
  /** Undefined for a sender without alerts: each of its notifications is an alert of its own, which starts and does not end. */
  alerts?: Alerts
  /**
   * The steps to take at the sender. `{url}` stands for the URL of the source, `{secret}` for its key, token or password. With a
   * password, `{user}` stands for its user, `{basic}` for both in Base64, and `{loginUrl}` for the URL with both.
   */
  setup: readonly SetupStep[]
  /** Names the parts that are not verified against the documents of the sender, for people. */
  unverified?: string
}

/** A type of source: how its requests are verified and read. */
export interface SourceType extends Authentication {
  title: string
  setup: readonly SetupStep[]
  unverified?: string
  alerts?: Alerts
  /** @throws Failure `invalid`, without values of the body */
  read(body: unknown, headers: HeaderNames, settings: SourceSettings): Promise<Reading>
}

export function defineSourceType<S extends z.ZodMiniType>(definition: Definition<S>): SourceType {
  const { body: schema, read, deliveryHeader, ...rest } = definition
  return {
    ...rest,
    async read(body, headers, settings) {
      const reading = await read(validate(schema, body, { what: 'The notification', root: 'body' }), headers, settings)
      const delivery = deliveryHeader === undefined ? undefined : headers[deliveryHeader]
      return { ...reading, delivery: reading.delivery ?? delivery }
    },
  }
}

/** @throws Failure `invalid` */
export function requireHeader(headers: HeaderNames, name: string): string {
  const value = headers[name]
  if (value !== undefined) return value
  throw new Failure('invalid', `The header ${name} is missing: the sender adds it to each request.`)
}

/**
 * Compares the event that a header names with the body: otherwise, a copy of a signed body could be sent as another event.
 *
 * @param parts the objects that only bodies of some events have, with these events. The body of an event has all of its own
 * @throws Failure `invalid`
 */
export function requireParts(
  event: string,
  body: Readonly<Record<string, unknown>>,
  parts: Readonly<Record<string, readonly string[]>>,
): void {
  const isSame = Object.entries(parts).every(([part, events]) => isRecord(body[part]) === events.includes(event))
  if (!isSame)
    throw new Failure('invalid', `The body is not that of the event ${event.slice(0, 60)}, which the header names.`)
}

/** Keys of the state table contain ids, and have at most 2 KB. */
export const MAX_ID = 500

/** An id, as text or as a number. */
export const eventId = z.pipe(
  z.union([z.string().check(z.minLength(1), z.maxLength(MAX_ID)), z.int()]),
  z.transform(String),
)
/** A name of an event or a state. */
export const eventWord = z.string().check(z.maxLength(255))

import { type JsonSchema, schemaNamed } from './json-schema.ts'

/**
 * Returns the body of a call.
 *
 * @param input the schema of the field `input`, if it is known
 */
export function requestBodyOf(input: { input?: JsonSchema }) {
  return {
    required: false,
    content: {
      'application/json': {
        schema: {
          allOf: [
            schemaNamed('Event'),
            { type: 'object', properties: { ...input, connection: { type: 'string' }, callback, dynatrace } },
          ],
        },
      },
      'application/x-www-form-urlencoded': {
        schema: {
          type: 'object',
          description: 'The same as a form with dotted names: data.project=..&input.title=..',
          additionalProperties: { type: 'string' },
        },
      },
    },
  }
}

/** For callers that are workflows of Dynatrace. */
const dynatrace = {
  type: 'object',
  description: 'For a workflow of Dynatrace: the execution that calls, and the workflow that gets the result',
  properties: { execution: { type: 'string', format: 'uuid' }, continue: { type: 'string', format: 'uuid' } },
}

const callback = {
  description:
    'interactive: the URL for the result, or one for success and one for failure. Text is allowed for one URL',
  type: ['string', 'object'],
  properties: {
    url: { type: 'string', format: 'uri' },
    urls: {
      type: 'object',
      properties: { pass: { type: 'string', format: 'uri' }, fail: { type: 'string', format: 'uri' } },
      required: ['pass', 'fail'],
    },
  },
}

/** Bodies of a successful response that no platform sends after a write. */
export const unexpectedBodies: Record<string, string> = {
  'an empty object': '{}',
  'no body': '',
  'a web page': '<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>',
  'another shape': '{"welcome":"This is another response.","items":"none","id":null}',
  'very deep JSON': `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
}

import { from, SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'googleapis/google-api-python-client through the Debian package python3-googleapi 2.166.0-1, discovery_cache/documents/cloudbuild.v1.json (revision 20250303)',
  states: [
    'STATUS_UNKNOWN',
    'PENDING',
    'QUEUED',
    'WORKING',
    'SUCCESS',
    'FAILURE',
    'INTERNAL_ERROR',
    'TIMEOUT',
    'CANCELLED',
    'EXPIRED',
  ],
  place: from('google-cloud-build', `${SCHEMAS}/Build/properties/status`),
} satisfies StateList

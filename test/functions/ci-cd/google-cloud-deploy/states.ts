import { SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'googleapis/google-api-python-client through the Debian package python3-googleapi 2.166.0-1, discovery_cache/documents/clouddeploy.v1.json (revision 20250226)',
  states: [
    'STATE_UNSPECIFIED',
    'SUCCEEDED',
    'FAILED',
    'IN_PROGRESS',
    'PENDING_APPROVAL',
    'APPROVAL_REJECTED',
    'PENDING',
    'PENDING_RELEASE',
    'CANCELLING',
    'CANCELLED',
    'HALTED',
    'FAILED/CLOUD_BUILD_UNAVAILABLE',
    'FAILED/EXECUTION_FAILED',
    'FAILED/DEADLINE_EXCEEDED',
    'FAILED/RELEASE_FAILED',
    'FAILED/RELEASE_ABANDONED',
    'FAILED/VERIFICATION_CONFIG_NOT_FOUND',
    'FAILED/CLOUD_BUILD_REQUEST_FAILED',
    'FAILED/OPERATION_FEATURE_NOT_SUPPORTED',
  ],
  place: {
    contract: 'google-cloud-deploy',
    states(listed) {
      const rollout = `${SCHEMAS}/Rollout/properties`
      const causes = listed(`${rollout}/deployFailureCause`).filter((cause) => cause !== 'FAILURE_CAUSE_UNSPECIFIED')
      return [...listed(`${rollout}/state`), ...causes.map((cause) => `FAILED/${cause}`)]
    },
  },
} satisfies StateList

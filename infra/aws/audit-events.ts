import { Stack } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import { AUDIT_EVENT } from '../../shared/core/audit-event.ts'
import type { Settings } from './settings.ts'

interface AuditEvents {
  environment: Record<string, string>
  permissions: Permission[]
}

/** Returns what a function needs to send audit records to the default event bus. Nothing without the setting. */
export function auditEventsOf(scope: Construct, { auditEvents, stackName }: Settings): AuditEvents {
  if (!auditEvents) return { environment: {}, permissions: [] }
  const bus = Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' })
  const conditions = { StringEquals: { 'events:source': stackName, 'events:detail-type': AUDIT_EVENT } }
  return {
    environment: { WEBHOOKS_AUDIT_EVENTS: stackName },
    permissions: [{ actions: ['events:PutEvents'], resources: [bus], conditions }],
  }
}

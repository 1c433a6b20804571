import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import { Construct } from 'constructs'

/**
 * The rules of the common rule set that look into the body or the query. They count and do not block: what stands there is
 * text of events (titles, links, log lines), which looks like an attack as often as not, up to 256 KB of it; and a blocked
 * call is a failed sequence. None of it reaches a shell, a page or a query.
 */
const counted = [
  'CrossSiteScripting_BODY',
  'CrossSiteScripting_QUERYARGUMENTS',
  'EC2MetaDataSSRF_BODY',
  'EC2MetaDataSSRF_QUERYARGUMENTS',
  'GenericLFI_BODY',
  'GenericLFI_QUERYARGUMENTS',
  'GenericRFI_BODY',
  'GenericRFI_QUERYARGUMENTS',
  'RestrictedExtensions_QUERYARGUMENTS',
  'SizeRestrictions_BODY',
  'SizeRestrictions_QUERYSTRING',
]

export interface WafProps {
  /** Of the stage that it guards. */
  stageArn: string
  /** Requests a minute from one address; more are blocked until there are fewer again. */
  rateLimit: number
}

/** AWS's managed rules, and a limit for each address, in front of a stage. */
export class Waf extends Construct {
  constructor(scope: Construct, id: string, { stageArn, rateLimit }: WafProps) {
    super(scope, id)
    const acl = new CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: watched('Webhooks'),
      rules: [
        managed(0, 'AWSManagedRulesAmazonIpReputationList'),
        managed(1, 'AWSManagedRulesCommonRuleSet', {
          ruleActionOverrides: counted.map((name) => ({ name, actionToUse: { count: {} } })),
        }),
        {
          priority: 2,
          name: 'RateLimit',
          action: { block: {} },
          statement: { rateBasedStatement: { aggregateKeyType: 'IP', limit: rateLimit, evaluationWindowSec: 60 } },
          visibilityConfig: watched('RateLimit'),
        },
      ],
    })
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: acl.attrArn })
  }
}

function managed(
  priority: number,
  name: string,
  more: Partial<CfnWebACL.ManagedRuleGroupStatementProperty> = {},
): CfnWebACL.RuleProperty {
  return {
    priority,
    name,
    overrideAction: { none: {} },
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name, ...more } },
    visibilityConfig: watched(name),
  }
}

function watched(metricName: string): CfnWebACL.VisibilityConfigProperty {
  // Sampled requests would show bodies and tokens to whoever may read them.
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false, metricName }
}

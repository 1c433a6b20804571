import { DomainName, EndpointType, type RestApi, SecurityPolicy } from 'aws-cdk-lib/aws-apigateway'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

export interface CustomDomainProps {
  settings: NonNullable<Settings['customDomain']>
  api: RestApi
  /** What stands in the path before a category: as in API Gateway's own URLs. */
  basePath: string
}

/**
 * A name of one's own for the API. Its base path is that of the stage, so that every URL is the same but for its host. What is
 * called through it is answered with it: API Gateway tells the function by which host it was called.
 */
export class CustomDomain extends Construct {
  /** Where the name must lead. */
  readonly target: string
  /** For the person who deploys. */
  readonly whatToDo: string

  constructor(
    scope: Construct,
    id: string,
    { settings: { name, certificateArn, hostedZone }, api, basePath }: CustomDomainProps,
  ) {
    super(scope, id)
    const domain = new DomainName(this, 'Name', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      endpointType: EndpointType.REGIONAL,
      // 1.2 at least.
      securityPolicy: SecurityPolicy.TLS_1_2,
    })
    domain.addBasePathMapping(api, { basePath, stage: api.deploymentStage })
    this.target = domain.domainNameAliasDomainName
    this.whatToDo = hostedZone ? `${name} leads here` : `Make ${name} a CNAME of this`
    if (!hostedZone) return
    new ARecord(this, 'Record', {
      zone: HostedZone.fromHostedZoneAttributes(this, 'Zone', {
        hostedZoneId: hostedZone.id,
        zoneName: hostedZone.name,
      }),
      recordName: `${name}.`,
      target: RecordTarget.fromAlias(new ApiGatewayDomain(domain)),
    })
  }
}

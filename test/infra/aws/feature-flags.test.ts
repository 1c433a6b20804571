import { expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { FLAGS } from 'aws-cdk-lib/cx-api'
import { allSettings, build, oneAtATime, shippedFlags, withApprovals } from './synthesize.ts'

/** Returns the template with all settings, which contains all kinds of resources. */
const templateWith = (flags: object) =>
  JSON.stringify(
    Template.fromStack(build({ ...allSettings, policy: oneAtATime }, withApprovals, false, flags).stack).toJSON(),
  )
const template = templateWith(shippedFlags)

it.each(Object.keys(shippedFlags))('the template needs the feature flag %s', (name) => {
  const { [name]: _flag, ...others } = shippedFlags
  expect(templateWith(others) === template).toBe(false)
})

it('the template needs no other feature flag that CDK recommends', () => {
  // Those of version 1 are no longer allowed.
  const current = Object.entries(FLAGS).filter(([, { introducedIn }]) => introducedIn.v1 === undefined)
  const recommended = Object.fromEntries(current.map(([name, { recommendedValue }]) => [name, recommendedValue]))
  expect(current.length).toBeGreaterThan(50)
  expect(templateWith({ ...recommended, ...shippedFlags }) === template).toBe(true)
})

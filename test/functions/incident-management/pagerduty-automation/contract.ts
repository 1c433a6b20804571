export const withoutContract = 'Modelled on the examples of PagerDuty/api-schema in test/fixtures/pagerduty'

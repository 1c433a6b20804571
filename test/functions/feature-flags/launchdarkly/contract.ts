export const withoutContract = 'Modelled on the OpenAPI document that its fake names'

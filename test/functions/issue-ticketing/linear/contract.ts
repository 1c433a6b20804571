export const withoutContract = 'Modelled on the documentation that its fake names'

import { expect, test } from '@jest/globals'
import { markerOf, withMarker, withoutMarkers } from '../../../shared/vendors/hidden-marker.ts'

const [other, own] = [markerOf('cc12'), markerOf('dd34')]

test.each([
  ['a marker', `a${other}b`, 'ab'],
  ['markers', `${other}a${own}`, 'a'],
  ['a marker that another one splits', `a<!-- cloud-automation-${other}webhooks:dd34 -->b`, 'ab'],
  ['a marker that two others split', `<!-- cloud-${other}automation-${other}webhooks:dd34 -->`, ''],
])('A text loses %s', (_name, text, expected) => {
  expect(withoutMarkers(text)).toBe(expected)
  expect(withMarker(text, 'dd34')).toBe(`${expected}\n\n${own}`)
})

import { check } from 'k6'
import http from 'k6/http'

// The test fails if a threshold fails, and so does the gate.
export const options = {
  stages: [
    { duration: '1m', target: 20 },
    { duration: '5m', target: 20 },
  ],
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<500'],
  },
}

export default function () {
  const response = http.get('https://staging.example.com/checkout')
  check(response, { 'is 200': ({ status }) => status === 200 })
}

export { http as httpMessage } from '../../notification/http/http.ts'

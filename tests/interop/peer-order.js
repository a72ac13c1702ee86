// Node's half of test-interop-order.c: Apache's library for Node with the timer example's service.
// Arguments: the folder of the generated code, client or server, framed or header, and of a client the server's port.
'use strict'

const thrift = require('thrift')

const [generated, role, transport, port] = process.argv.slice(2)
const Timer = require(generated + '/Timer')
const options = transport === 'header'
  ? { transport: thrift.TBufferedTransport, protocol: thrift.THeaderProtocol }
  : { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol }

// Answers each call when its time is over, whatever calls came before it.
function serve () {
  const server = thrift.createServer(Timer, {
    ping: (result) => result(null),
    wait: (milliseconds, result) => milliseconds === 0
      ? result(null, 0)
      : setTimeout(() => result(null, milliseconds), milliseconds)
  }, options)

  server.listen(0, '127.0.0.1', () => console.log('listening on tcp://127.0.0.1:' + server.address().port))
}

// On one connection a call that takes an hour, then others, whose answers must not wait for it.
function call () {
  const connection = thrift.createConnection('127.0.0.1', Number(port), options)
  const client = thrift.createClient(Timer, connection)
  let left = 10

  connection.on('error', (error) => { console.log('failed: ' + error); process.exit(1) })
  client.wait(3600000, () => { console.log('the hour is over'); process.exit(1) })
  for (let i = 0; i < 10; i++) {
    client.wait(i, (error, passed) => {
      console.log(i + ' ms: ' + (error || (passed >= i ? 'over' : 'over too early')))
      if (--left === 0) process.exit(0)
    })
  }
}

role === 'server' ? serve() : call()

# Ruby's server of test-interop-order.c: Apache's NonblockingServer, several of whose threads answer the requests of one
# connection, each when it is done, with the timer example's service. Argument: the folder of the generated code.
require 'socket'
require 'thrift'
$LOAD_PATH.unshift(ARGV[0])
require 'timer'

class Waiter
  def ping
  end

  # Sleeps on one of the server's threads.
  def wait(milliseconds)
    sleep(milliseconds / 1000.0)
    milliseconds
  end
end

# A port that the system chooses.
class AnyPort < Thrift::ServerSocket
  def listen
    super
    puts "listening on tcp://127.0.0.1:#{handle.addr[1]}"
    STDOUT.flush
  end
end

Thrift::NonblockingServer.new(Timer::Processor.new(Waiter.new), AnyPort.new('127.0.0.1', 0),
                              Thrift::FramedTransportFactory.new, Thrift::BinaryProtocolFactory.new, 8,
                              Logger.new(File::NULL)).serve

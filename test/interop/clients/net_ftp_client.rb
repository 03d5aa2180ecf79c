# Ruby's net/ftp as a partner's script uses it. Each line of input is an order, each line of output its result, in JSON.
require 'json'
require 'net/ftp'

$stdin.set_encoding('UTF-8')
$stdout.sync = true

def connect(order)
  version = { '1.2' => OpenSSL::SSL::TLS1_2_VERSION, '1.3' => OpenSSL::SSL::TLS1_3_VERSION }.fetch(order['version'])
  Net::FTP.new(order['host'],
               port: order['port'].to_i, username: order['user'], password: order['password'],
               passive: order['mode'] == 'passive', open_timeout: 5, read_timeout: 5,
               ssl: { ca_file: order['ca'], min_version: version, max_version: version })
end

def resuming(ftp)
  ftp.resume = true
  yield
end

WORK = {
  'upload' => ->(ftp, local, remote) { ftp.putbinaryfile(local, remote) },
  'download' => ->(ftp, remote, local) { ftp.getbinaryfile(remote, local) },
  'resumeUpload' => ->(ftp, local, remote) { resuming(ftp) { ftp.putbinaryfile(local, remote) } },
  'resumeDownload' => ->(ftp, remote, local) { resuming(ftp) { ftp.getbinaryfile(remote, local) } },
  'list' => ->(ftp, directory) { ftp.nlst(directory == '' ? nil : directory).join("\n").force_encoding('UTF-8') },
  'rename' => ->(ftp, from, to) { ftp.rename(from, to) },
  'remove' => ->(ftp, path) { ftp.delete(path) },
  'makeDirectory' => ->(ftp, path) { ftp.mkdir(path) },
  'uploadText' => ->(ftp, local, remote) { ftp.puttextfile(local, remote) },
  'downloadText' => ->(ftp, remote, local) { ftp.gettextfile(remote, local) },
  'roundTrips' => lambda do |ftp, local, folder, times|
    times.to_i.times do |index|
      ftp.putbinaryfile(local, "file #{index}")
      ftp.getbinaryfile("file #{index}", "#{folder}/#{index}")
    end
  end,
}.freeze

$stdin.each_line do |line|
  order = JSON.parse(line)
  result =
    begin
      ftp = connect(order)
      { value: WORK.fetch(order['work']).call(ftp, *order['arguments']).to_s }
    rescue Net::FTPError, OpenSSL::SSL::SSLError, SystemCallError, IOError, Timeout::Error => e
      { error: "#{e.class}: #{e.message}" }
    ensure
      ftp&.close
    end
  puts JSON.generate(result)
end

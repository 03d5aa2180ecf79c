<?php
// PHP's ftp extension as a partner's script uses it. Each line of input is an order, each line of output its result, in JSON.
// It has no setting for the TLS version or the certificates: OpenSSL's configuration decides the first, nobody checks the second.

set_error_handler(fn (int $level, string $words) => throw new ErrorException($words));

function connect(array $order): FTP\Connection
{
    $ftp = ftp_ssl_connect($order['host'], (int) $order['port'], 5);
    ftp_login($ftp, $order['user'], $order['password']);
    ftp_pasv($ftp, $order['mode'] === 'passive');
    return $ftp;
}

$work = [
    'upload' => fn ($ftp, $local, $remote) => ftp_put($ftp, $remote, $local, FTP_BINARY),
    'download' => fn ($ftp, $remote, $local) => ftp_get($ftp, $local, $remote, FTP_BINARY),
    'resumeUpload' => fn ($ftp, $local, $remote) => ftp_put($ftp, $remote, $local, FTP_BINARY, FTP_AUTORESUME),
    'resumeDownload' => fn ($ftp, $remote, $local) => ftp_get($ftp, $local, $remote, FTP_BINARY, FTP_AUTORESUME),
    'list' => fn ($ftp, $directory) => implode("\n", array_column(ftp_mlsd($ftp, $directory) ?: [], 'name')),
    'rename' => fn ($ftp, $from, $to) => ftp_rename($ftp, $from, $to),
    'remove' => fn ($ftp, $path) => ftp_delete($ftp, $path),
    'makeDirectory' => fn ($ftp, $path) => ftp_mkdir($ftp, $path),
    'uploadText' => fn ($ftp, $local, $remote) => ftp_put($ftp, $remote, $local, FTP_ASCII),
    'downloadText' => fn ($ftp, $remote, $local) => ftp_get($ftp, $local, $remote, FTP_ASCII),
    'roundTrips' => function ($ftp, $local, $folder, $times) {
        for ($index = 0; $index < $times; $index++) {
            ftp_put($ftp, "file $index", $local, FTP_BINARY);
            ftp_get($ftp, "$folder/$index", "file $index", FTP_BINARY);
        }
    },
];

while (($line = fgets(STDIN)) !== false) {
    $order = json_decode($line, true);
    try {
        $ftp = connect($order);
        $result = ['value' => $work[$order['work']]($ftp, ...$order['arguments'])];
        ftp_close($ftp);
    } catch (ErrorException $error) {
        $result = ['error' => $error->getMessage()];
    }
    echo json_encode($result), "\n";
}

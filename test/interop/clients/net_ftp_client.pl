# Perl's Net::FTP as a partner's script uses it. Each line of input is an order, each line of output its result, in JSON.
# Net::FTP takes and gives names as bytes.
use strict;
use warnings;
use IO::Socket::SSL;
use JSON::PP;
use Net::FTP;

$| = 1;
my $json = JSON::PP->new->utf8;
my $resumes = 0;

# The line that makes Net::FTP resume the control connection's TLS session in passive mode too: there it looks the session
# up under the address of the data connection, and finds none.
IO::Socket::SSL::set_args_filter_hack(sub { my ($is_server, $args) = @_; $args->{SSL_session_key} = 'ftp' if $resumes });

sub connected {
    my ($order) = @_;
    my $ftp = Net::FTP->new(
        $order->{host},
        Port         => $order->{port},
        Timeout      => 10,
        Passive      => $order->{mode} eq 'passive',
        SSL_ca_file  => $order->{ca},
        SSL_version  => $order->{version} eq '1.2' ? 'TLSv1_2' : 'TLSv1_3',
        SSL_hostname => '',
    ) or die "$@\n";
    $ftp->starttls or die $ftp->message;
    $ftp->login($order->{user}, $order->{password}) or die $ftp->message;
    $ftp->binary;
    return $ftp;
}

sub opened {
    my ($mode, $path) = @_;
    open(my $file, $mode, $path) or die "$path: $!\n";
    binmode($file);
    return $file;
}

my %work = (
    upload         => sub { my ($ftp, $local, $remote) = @_; $ftp->put($local, $remote) },
    download       => sub { my ($ftp, $remote, $local) = @_; $ftp->get($remote, $local) },
    resumeDownload => sub { my ($ftp, $remote, $local) = @_; $ftp->get($remote, $local, -s $local) },
    resumeUpload   => sub {
        my ($ftp, $local, $remote) = @_;
        my $file = opened('<', $local);
        seek($file, $ftp->size($remote), 0);
        $ftp->append($file, $remote);
    },
    list          => sub { my ($ftp, $directory) = @_; join("\n", $ftp->ls($directory)) },
    rename        => sub { my ($ftp, $from, $to) = @_; $ftp->rename($from, $to) },
    remove        => sub { my ($ftp, $path) = @_; $ftp->delete($path) },
    makeDirectory => sub { my ($ftp, $path) = @_; $ftp->mkdir($path) },
    uploadText    => sub { my ($ftp, $local, $remote) = @_; $ftp->ascii; $ftp->put($local, $remote) },
    downloadText  => sub { my ($ftp, $remote, $local) = @_; $ftp->ascii; $ftp->get($remote, $local) },
    roundTrips    => sub {
        my ($ftp, $local, $folder, $times) = @_;
        for my $index (0 .. $times - 1) {
            $ftp->put($local, "file $index") && $ftp->get("file $index", "$folder/$index") or return;
        }
        return 1;
    },
);

while (my $line = <STDIN>) {
    my $order = $json->decode($line);
    $resumes = $order->{resumption} eq 'always';
    my $result = eval {
        my $ftp = connected($order);
        my @arguments = @{ $order->{arguments} };
        utf8::encode($_) for @arguments;
        my $value = $work{ $order->{work} }->($ftp, @arguments);
        die $ftp->code . ' ' . $ftp->message . "\n" unless $ftp->ok && defined $value;
        $ftp->quit;
        utf8::decode($value);
        { value => "$value" };
    } || { error => "$@" };
    print $json->encode($result), "\n";
}

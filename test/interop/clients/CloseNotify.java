import java.io.InputStream;
import java.io.OutputStream;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** One data connection of JSSE. Arguments: port, version, way; an upload comes from standard input, a download goes to standard output. */
public final class CloseNotify {
    public static void main(String[] args) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Trusting()}, null);
        var socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", Integer.parseInt(args[0]));
        socket.setSoTimeout(30_000);
        socket.setEnabledProtocols(new String[] {args[1]});
        socket.startHandshake();
        if (args[2].equals("download")) {
            InputStream input = socket.getInputStream();
            input.transferTo(System.out);
            System.out.flush();
        } else {
            OutputStream output = socket.getOutputStream();
            System.in.transferTo(output);
            output.flush();
            if (args[2].equals("shutdownOutput")) {
                socket.shutdownOutput();
                while (socket.getInputStream().read() >= 0) continue;
            }
        }
        socket.close();
    }

    /** The certificate is another test's affair. */
    private static final class Trusting implements X509TrustManager {
        @Override public void checkClientTrusted(X509Certificate[] chain, String type) {}
        @Override public void checkServerTrusted(X509Certificate[] chain, String type) {}
        @Override public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }
}

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPReply;
import org.apache.commons.net.ftp.FTPSClient;

/** Apache commons-net as a partner's program uses it. Each line of input is an order, each line of output its result, in JSON. */
public final class CommonsNetClient {
    /** Orders are flat, and no text in them has a quotation mark or a backslash: this reads them without a JSON library. */
    private static final Pattern TEXT = Pattern.compile("\"(\\w+)\":\"([^\"]*)\"");
    private static final Pattern ARGUMENTS = Pattern.compile("\"arguments\":\\[(.*)\\]");
    private static final Pattern ARGUMENT = Pattern.compile("\"([^\"]*)\"");

    public static void main(String[] args) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line; (line = input.readLine()) != null;) output.println(answer(line));
    }

    private static String answer(String line) throws Exception {
        Map<String, String> order = new HashMap<>();
        TEXT.matcher(line).results().forEach(found -> order.put(found.group(1), found.group(2)));
        var all = ARGUMENTS.matcher(line);
        all.find();
        List<String> arguments =
            ARGUMENT.matcher(all.group(1)).results().map(found -> found.group(1)).collect(Collectors.toList());
        var ftp = new FTPSClient(contextOf(order));
        try {
            connect(ftp, order);
            String value = work(ftp, order.get("work"), arguments.toArray(new String[0]));
            if (!FTPReply.isPositiveCompletion(ftp.getReplyCode())) throw new IOException(ftp.getReplyString());
            return result("value", value);
        } catch (IOException error) {
            return result("error", error + " " + ftp.getReplyString());
        } finally {
            // Over TLS 1.3 Java's close waits for the server's, which comes at once behind QUIT.
            if (ftp.isConnected()) ftp.quit();
            ftp.disconnect();
        }
    }

    private static SSLContext contextOf(Map<String, String> order) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream ca = new FileInputStream(order.get("ca"))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(ca));
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static void connect(FTPSClient ftp, Map<String, String> order) throws IOException {
        ftp.setEnabledProtocols(new String[] {"TLSv" + order.get("version")});
        ftp.setEndpointCheckingEnabled(true);
        ftp.setControlEncoding("UTF-8");
        ftp.setDefaultTimeout(10_000);
        ftp.connect(order.get("host"), Integer.parseInt(order.get("port")));
        if (!ftp.login(order.get("user"), order.get("password"))) throw new IOException("no login");
        ftp.execPBSZ(0);
        ftp.execPROT("P");
        ftp.setFileType(FTP.BINARY_FILE_TYPE);
        if (order.get("mode").equals("passive")) ftp.enterLocalPassiveMode();
        else ftp.enterLocalActiveMode();
    }

    private static String work(FTPSClient ftp, String work, String[] of) throws IOException {
        switch (work) {
            case "upload": store(ftp, of[0], of[1], 0); break;
            case "download": retrieve(ftp, of[0], of[1], 0); break;
            case "resumeUpload": store(ftp, of[0], of[1], Long.parseLong(ftp.getSize(of[1]))); break;
            case "resumeDownload": retrieve(ftp, of[0], of[1], new File(of[1]).length()); break;
            case "list": return String.join("\n", ftp.listNames(of[0]));
            case "rename": ftp.rename(of[0], of[1]); break;
            case "remove": ftp.deleteFile(of[0]); break;
            case "makeDirectory": ftp.makeDirectory(of[0]); break;
            case "uploadText": ftp.setFileType(FTP.ASCII_FILE_TYPE); store(ftp, of[0], of[1], 0); break;
            case "downloadText": ftp.setFileType(FTP.ASCII_FILE_TYPE); retrieve(ftp, of[0], of[1], 0); break;
            case "roundTrips":
                for (int index = 0; index < Integer.parseInt(of[2]); index++) {
                    store(ftp, of[0], "file " + index, 0);
                    retrieve(ftp, "file " + index, of[1] + "/" + index, 0);
                }
                break;
            default: throw new IllegalArgumentException(work);
        }
        return "";
    }

    private static void store(FTPSClient ftp, String local, String remote, long offset) throws IOException {
        try (InputStream file = new FileInputStream(local)) {
            file.skip(offset);
            ftp.setRestartOffset(offset);
            if (!ftp.storeFile(remote, file)) throw new IOException("not stored");
        }
    }

    private static void retrieve(FTPSClient ftp, String remote, String local, long offset) throws IOException {
        try (OutputStream file = new FileOutputStream(local, offset > 0)) {
            ftp.setRestartOffset(offset);
            if (!ftp.retrieveFile(remote, file)) throw new IOException("not retrieved");
        }
    }

    private static String result(String key, String text) {
        String escaped = text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\r", "\\r").replace("\n", "\\n");
        return "{\"" + key + "\":\"" + escaped + "\"}";
    }
}
